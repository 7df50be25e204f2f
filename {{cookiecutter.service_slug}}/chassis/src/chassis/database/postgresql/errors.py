"""Translates errors of asyncpg: those of an unusable server, and those that hold row values."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from ...errors import Interrupted, Unavailable

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
    asyncpg.ReadOnlySQLTransactionError,
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
    asyncpg.ReadOnlySQLTransactionError: "the server is read-only",
    asyncpg.LockNotAvailableError: "a lock was not available in time",
    asyncpg.QueryCanceledError: "statement took too long",
    TimeoutError: "no answer in time",
}
_quoted = re.compile(r'".*"', re.DOTALL)


@contextmanager
def unavailable_errors() -> Iterator[None]:
    """Raise Unavailable where PostgreSQL is the reason, Interrupted where it reports a rollback."""
    try:
        yield
    except _ROLLED_BACK as error:
        raise Interrupted("database", "two transactions conflicted") from error
    except _UNAVAILABLE as error:
        raise Unavailable("database", _REASONS.get(type(error), "cannot be reached")) from error


@contextmanager
def interrupted_errors() -> Iterator[None]:
    """Raise Interrupted for a connection that is lost inside the block, where nothing has been committed yet."""
    try:
        yield
    except TimeoutError:  # is an OSError, but a caller who waited that long must not wait again
        raise
    except _LOST as error:
        raise Interrupted("database", "the connection was lost") from error


def remove_row_values(error: asyncpg.PostgresError) -> None:
    """Remove values of rows and arguments from an error: tracebacks are logged, and the values belong to clients.

    Constraint, table and column stay; they name the mistake.
    """
    error.detail = error.context = error.internal_query = None
    if isinstance(error, asyncpg.DataError):
        error.args = (_quoted.sub('"..."', str(error.args[0]).partition(": ")[0]),)
        error.message = error.args[0]
        error.__cause__ = error.__context__ = None  # the conversion that failed, with the value
