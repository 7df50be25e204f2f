"""What redis-py raises when the server cannot be used, in the domain's words."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from redis.exceptions import ConnectionError as ConnectionFailed
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as TimedOut

from ...domain.errors import Unavailable

# By the first word of the server's error.
_REASONS = {
    "LOADING": "the server is loading its data",
    "READONLY": "the server is a read-only replica",
    "MASTERDOWN": "the server has lost its primary",
    "OOM": "the server is out of memory",
    "MISCONF": "the server cannot write to its disk",
    "NOREPLICAS": "the server has too few replicas",
    "BUSY": "the server is busy with a script",
    "NOPERM": "rights are missing",
    "WRONGTYPE": "a key that is needed holds something else",
    # The group, or its stream, was deleted: by a person, or because the server has lost its data.
    **dict.fromkeys(("NOGROUP", "UNBLOCKED"), "the consumer group is gone"),
    **dict.fromkeys(("WRONGPASS", "NOAUTH"), "credentials are refused"),
    **dict.fromkeys(("MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN"), "the server is a cluster, which is not supported"),
}
# By what the server says after `ERR`.
_TEXTS = {
    "max number of clients": "too many connections",
    "without any password": "credentials are refused",
    "DB index": "no such database",
    "compiling script": "the server is older than Redis 7",
}
# After a failover the server may have become a replica: another connection finds the one that took over.
_WRONG_SERVER = frozenset({"READONLY", "MASTERDOWN"})
_log = structlog.stdlib.get_logger("broker")


def code_of(error: BaseException | None) -> str:
    """The first word of a server's error, such as READONLY; empty for what has no such word."""
    code = getattr(error, "status_code", None) or (str(error) if isinstance(error, ResponseError) else "")
    return str(code).partition(" ")[0]


def is_wrong_server(error: BaseException | None) -> bool:
    """Whether another connection may lead to a better one."""
    return code_of(error) in _WRONG_SERVER


def unavailable(error: RedisError | OSError) -> Unavailable:
    """What a failure means."""
    if isinstance(error, TimeoutError):
        return Unavailable("broker", "no answer in time")
    reason = _reason(code_of(error), str(error))
    if reason is None and isinstance(error, OSError | ConnectionFailed | TimedOut):
        reason = _network_reason(error)
    return Unavailable("broker", reason or _unknown(str(error)))


def refusal(problem: str) -> Unavailable:
    """What an error means that a script has met."""
    return Unavailable("broker", _reason(problem.partition(" ")[0], problem) or _unknown(problem))


def _unknown(problem: str) -> str:
    _log.warning("the broker refuses a command", error=problem)
    return "the server refuses a command"


def _reason(code: str, text: str) -> str | None:
    return _REASONS.get(code) or next((reason for part, reason in _TEXTS.items() if part in text), None)


@contextmanager
def unavailable_errors() -> Iterator[None]:
    """Raise Unavailable for what the client library or the network raise."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise unavailable(error) from error


def _network_reason(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "the certificate of the server is not trusted"
        if isinstance(cause, ssl.SSLError):
            return "no TLS with the server"
        cause = cause.__cause__ or cause.__context__
    return "cannot be reached"
