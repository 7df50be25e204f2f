"""Translates errors of redis-py and of the server into Unavailable."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from redis.exceptions import ConnectionError as ConnectionFailed
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as TimedOut

from ....errors import Unavailable

# By the first word of the server's error.
_REASONS = {
    "LOADING": "the server is loading its data",
    "READONLY": "the server is a read-only replica",
    "MASTERDOWN": "the server has lost its primary",
    "OOM": "the server is out of memory",
    "MISCONF": "the server cannot write to its disk",
    "NOREPLICAS": "the server has too few replicas",
    "BUSY": "the server is busy with a script",
    "NOPERM": "permissions are missing",
    "WRONGTYPE": "a key holds another type of value",
    # The group, or its stream, was deleted: by a person, or because the server has lost its data.
    **dict.fromkeys(("NOGROUP", "UNBLOCKED"), "the consumer group is missing"),
    **dict.fromkeys(("WRONGPASS", "NOAUTH"), "credentials are refused"),
    **dict.fromkeys(("MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN"), "the server is a cluster, which is not supported"),
}
# By a part of the text after `ERR`.
_TEXTS = {
    "max number of clients": "too many connections",
    "without any password": "credentials are refused",
    "DB index": "no such database",
    "compiling script": "the server is older than Redis 7",
    "executing the script can't run this command": "permissions are missing",
}
# After a failover the server may have become a replica: a new connection finds the new primary.
_WRONG_SERVER = frozenset({"READONLY", "MASTERDOWN"})
_log = structlog.stdlib.get_logger("broker")


def is_wrong_server(error: BaseException | None) -> bool:
    """Whether a new connection may lead to the right server."""
    return _code_of(error) in _WRONG_SERVER


def unavailable(error: RedisError | OSError) -> Unavailable:
    """The exception to raise for an error of the client library or the network."""
    if isinstance(error, TimeoutError):
        return Unavailable("broker", "no answer in time")
    reason = _reason(_code_of(error), str(error))
    if reason is None and isinstance(error, OSError | ConnectionFailed | TimedOut):
        reason = _network_reason(error)
    return Unavailable("broker", reason or _unknown(str(error)))


def script_error(problem: str) -> Unavailable:
    """The exception to raise for an error that a script returns."""
    return Unavailable("broker", _reason(problem.partition(" ")[0], problem) or _unknown(problem))


@contextmanager
def unavailable_errors() -> Iterator[None]:
    """Raise Unavailable for errors of the client library or the network."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise unavailable(error) from error


def _code_of(error: BaseException | None) -> str:
    """The first word of a server's error, such as READONLY; empty for other errors."""
    code = getattr(error, "status_code", None) or (str(error) if isinstance(error, ResponseError) else "")
    return str(code).partition(" ")[0]


def _unknown(problem: str) -> str:
    _log.warning("command refused by the broker", error=problem)
    return "the server refuses a command"


def _reason(code: str, text: str) -> str | None:
    return _REASONS.get(code) or next((reason for part, reason in _TEXTS.items() if part in text), None)


def _network_reason(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "the certificate of the server is not trusted"
        if isinstance(cause, ssl.SSLError):
            return "no TLS with the server"
        cause = cause.__cause__ or cause.__context__
    return "cannot be reached"
