"""Translates errors of asyncpg: those of an unusable server, and those that hold row values."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from ...errors import Interrupted, ReadOnly, Unavailable

_LOST = (
    OSError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_ROLLED_BACK = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_UNAVAILABLE = (
    *_LOST,
    TimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.InsufficientResourcesError,
    asyncpg.UndefinedTableError,
)
_REASONS: dict[type[Exception], str] = {
    asyncpg.UndefinedTableError: "schema is missing: run `migrate`",
    ssl.SSLCertVerificationError: "the certificate of the server is not trusted",
    asyncpg.InvalidAuthorizationSpecificationError: "the server refuses this user here, or without TLS",
    asyncpg.InvalidPasswordError: "credentials are refused",
    asyncpg.InvalidCatalogNameError: "no such database",
    asyncpg.TooManyConnectionsError: "too many connections",
    asyncpg.DiskFullError: "the disk is full",
    asyncpg.LockNotAvailableError: "a lock was not available in time",
    asyncpg.QueryCanceledError: "statement took too long",
    TimeoutError: "no answer in time",
}
# Of one statement; every other error above concerns the whole server, except those that do not say.
_OF_A_STATEMENT = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)
_UNCLEAR = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresConnectionError)
_quoted = re.compile(r'".*"', re.DOTALL)


@contextmanager
def unavailable_errors() -> Iterator[None]:
    """Raise Unavailable where PostgreSQL is the reason, Interrupted where it reports a rollback."""
    try:
        yield
    except _ROLLED_BACK as error:
        raise Interrupted("database", "two transactions conflicted") from error
    except asyncpg.ReadOnlySQLTransactionError as error:
        raise ReadOnly("database") from error
    except _UNAVAILABLE as error:
        reason = _REASONS.get(type(error), "cannot be reached")
        raise Unavailable("database", reason, is_outage=_is_outage(error)) from error


@contextmanager
def interrupted_errors() -> Iterator[None]:
    """Raise Interrupted for a connection that is lost inside the block, where nothing has been committed yet."""
    try:
        yield
    except TimeoutError:  # is an OSError, but a caller who waited that long must not wait again
        raise
    except _LOST as error:
        raise Interrupted("database", "the connection was lost") from error


def _is_outage(error: BaseException) -> bool | None:
    if isinstance(error, _UNCLEAR):
        return None
    return not isinstance(error, _OF_A_STATEMENT)


def remove_row_values(error: asyncpg.PostgresError) -> None:
    """Remove values of rows and arguments from an error: tracebacks are logged, and the values belong to clients.

    Constraint, table and column stay; they name the mistake.
    """
    error.detail = error.context = error.internal_query = None
    if isinstance(error, asyncpg.DataError):
        error.args = (_quoted.sub('"..."', str(error.args[0]).partition(": ")[0]),)
        error.message = error.args[0]
        error.__cause__ = error.__context__ = None  # the conversion that failed, with the value
