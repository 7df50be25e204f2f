"""Maps the errors of asyncmy to those of the chassis. MySQL and MariaDB number their errors."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from asyncmy.errors import MySQLError

from ...errors import Interrupted, ReadOnly, Unavailable

DUPLICATE = 1062
# The server closes the connection, has closed it, or is about to: a shutdown, a KILL, a broken network, its limit for
# idle ones; or it no longer knows a prepared statement.
_LOST = frozenset({1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1243, 1615, 1927, 4031})
# A deadlock; a row that changed since it was read; a transaction that the other servers of a cluster reject.
_ROLLED_BACK = frozenset({1020, 1213, 3101})
# After a failover the server may have become a replica: another connection finds the new primary.
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
    1047: "the server does not take part in its cluster",
    1146: "schema is missing: run `migrate`",
    1205: "a lock was not available in time",
    1317: "the statement was killed",
    1461: "too many prepared statements",
    3159: "the server requires TLS",  # on MySQL; MariaDB refuses the credentials
}
# Of one statement; every other number above concerns the whole server.
_OF_A_STATEMENT = frozenset({1205, 1317, 1969, 3024})
# Messages of the server that quote a value, by number, and what replaces it. Any other number in a range that is about
# values loses its message: only the names of tables, columns and constraints may be logged, not what a client sent.
_QUOTES_A_VALUE = {
    DUPLICATE: (re.compile(r"entry '.*' for key ", re.DOTALL), "entry for key "),
    1292: (re.compile(r"value: '.*'", re.DOTALL), "value"),
    1366: (re.compile(r"value: '.*' for column", re.DOTALL), "value for column"),
}
_NAMES_ONLY = frozenset(
    {
        *_REASONS,
        *_READ_ONLY,
        *_LOST,
        *_ROLLED_BACK,
        1048,  # a column cannot be null
        1054,  # no such column
        1136,  # the number of columns and values differs
        1264,  # out of range for a column
        1364,  # a column has no default
        1406,  # too long for a column
        1451,  # a foreign key
        1452,
        3819,  # a CHECK constraint, on MySQL
        4025,  # and on MariaDB
    }
)


def number_of(error: BaseException) -> int:
    """The number of a server's error; 0 for an error of the driver or the network."""
    number = error.args[0] if isinstance(error, MySQLError) and error.args else 0
    return number if isinstance(number, int) and not 2000 <= number < 3000 else 0


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, or leads to a server that no longer is the right one."""
    known = isinstance(error, MySQLError | OSError) and not isinstance(error, TimeoutError)
    return known and number_of(error) in _LOST | _READ_ONLY | {0}


def leaves_usable(error: BaseException) -> bool:
    """Whether a connection may be used again after this: the server has answered, and it is the right one."""
    return number_of(error) > 0 and not is_lost(error)


def hide_values(error: BaseException) -> None:
    """Remove values of a row from the message of a server's error: errors are logged."""
    if (number := number_of(error)) and number not in _NAMES_ONLY:
        pattern, replacement = _QUOTES_A_VALUE.get(number, (_anything, "message not shown: it may hold values"))
        error.args = (number, pattern.sub(replacement, str(error.args[-1]), count=1))


_anything = re.compile(r".*", re.DOTALL)


@contextmanager
def unavailable_errors() -> Iterator[None]:
    """Raise Unavailable where the server is the reason, Interrupted where it reports a rollback."""
    try:
        yield
    except TimeoutError as error:
        raise Unavailable("database", "no answer in time") from error
    except (MySQLError, OSError) as error:
        if number_of(error) in _ROLLED_BACK:
            raise Interrupted("database", "two transactions conflicted") from error
        if number_of(error) in _READ_ONLY:
            raise ReadOnly("database") from error
        reason = _REASONS.get(error.args[0] if error.args else 0)
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            reason = "the certificate of the server is not trusted"
        if reason is None and not _is_loss(error):
            raise
        raise Unavailable("database", reason or "cannot be reached", is_outage=_is_outage(error)) from error


@contextmanager
def interrupted_errors() -> Iterator[None]:
    """Raise Interrupted for a connection that is lost inside the block, where nothing has been committed yet."""
    try:
        yield
    except TimeoutError:  # is an OSError, but after such a wait the caller must not wait again
        raise
    except (MySQLError, OSError) as error:
        if _is_loss(error):
            raise Interrupted("database", "the connection was lost") from error
        raise


def _is_outage(error: MySQLError | OSError) -> bool | None:
    return None if _is_loss(error) else number_of(error) not in _OF_A_STATEMENT


def _is_loss(error: MySQLError | OSError) -> bool:
    return number_of(error) in _LOST | {0}
