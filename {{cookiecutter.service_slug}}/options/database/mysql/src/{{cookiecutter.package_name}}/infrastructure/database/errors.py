"""What asyncmy raises when the server cannot be used, in the domain's words. MySQL and MariaDB number their errors."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from asyncmy.errors import MySQLError

from ...domain.errors import Interrupted, Unavailable

# The server ends the connection, has ended it, or is about to: a shutdown, a KILL, a broken network, its limit for idle
# ones; or it no longer knows a prepared statement.
_LOST = frozenset({1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1243, 1615, 1927, 4031})
# A deadlock; a row that changed since it was read; a transaction that the other servers of a cluster object to.
_ROLLED_BACK = frozenset({1020, 1213, 3101})
# After a failover the server may have become a replica: another connection finds the one that took over.
_READ_ONLY = frozenset({1290, 1792, 1836})
_REASONS = {
    **dict.fromkeys((1045, 1130, 1698, 1820, 1862, 2059, 4151), "credentials are refused"),
    **dict.fromkeys((1044, 1142, 1143, 1227), "rights are missing"),
    **dict.fromkeys((1040, 1203, 1226), "too many connections"),
    **dict.fromkeys((1046, 1049), "no such database"),
    **dict.fromkeys((1969, 3024), "statement took too long"),
    **dict.fromkeys((1021, 1114), "the disk is full"),
    **dict.fromkeys((1026, 1030), "storage fails"),
    **dict.fromkeys((1037, 1038, 1041), "the server is out of memory"),
    **dict.fromkeys(_READ_ONLY, "the server is read-only"),
    1047: "the server does not take part in its cluster",
    1146: "schema is missing: run `{{ cookiecutter.service_slug }} migrate`",
    1205: "somebody else holds a lock for too long",
    1317: "somebody ended the statement",
    1461: "too many prepared statements",
}


def number_of(error: BaseException) -> int:
    """The number of a server's error; 0 for what the driver itself, or the network, has to say."""
    number = error.args[0] if isinstance(error, MySQLError) and error.args else 0
    return number if isinstance(number, int) and not 2000 <= number < 3000 else 0


def leaves_usable(error: BaseException) -> bool:
    """Whether a connection may be used again after this: the server has answered, and it is the right one."""
    return (number := number_of(error)) > 0 and number not in _LOST | _READ_ONLY


@contextmanager
def unavailable_errors() -> Iterator[None]:
    """Raise Unavailable where the server is the reason, Interrupted where it says that it rolled back."""
    try:
        yield
    except TimeoutError as error:
        raise Unavailable("database", "no answer in time") from error
    except (MySQLError, OSError) as error:
        if number_of(error) in _ROLLED_BACK:
            raise Interrupted("database", "two transactions got into each other's way") from error
        reason = _REASONS.get(error.args[0] if error.args else 0)
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            reason = "the certificate of the server is not trusted"
        if reason is None and not _is_loss(error):
            raise
        raise Unavailable("database", reason or "cannot be reached") from error


@contextmanager
def interrupted_errors() -> Iterator[None]:
    """Raise Interrupted for a connection that is lost within the block, where nothing has been committed yet."""
    try:
        yield
    except TimeoutError:  # is an OSError, but whoever waited that long must not wait again
        raise
    except (MySQLError, OSError) as error:
        if _is_loss(error):
            raise Interrupted("database", "the connection was lost") from error
        raise


def _is_loss(error: MySQLError | OSError) -> bool:
    return number_of(error) in _LOST | {0}
