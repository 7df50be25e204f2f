"""What asyncpg raises when the server cannot be used, in the domain's words."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from ...domain.errors import Interrupted, Unavailable

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
    asyncpg.UndefinedTableError: "schema is missing: run `{{ cookiecutter.service_slug }} migrate`",
    ssl.SSLCertVerificationError: "the certificate of the server is not trusted",
    asyncpg.InvalidAuthorizationSpecificationError: "the server refuses this user here, or without TLS",
    asyncpg.InvalidPasswordError: "credentials are refused",
    asyncpg.InvalidCatalogNameError: "no such database",
    asyncpg.TooManyConnectionsError: "too many connections",
    asyncpg.DiskFullError: "the disk is full",
    asyncpg.ReadOnlySQLTransactionError: "the server is read-only",
    asyncpg.LockNotAvailableError: "somebody else holds a lock for too long",
    asyncpg.QueryCanceledError: "statement took too long",
    TimeoutError: "no answer in time",
}


@contextmanager
def unavailable_errors() -> Iterator[None]:
    """Raise Unavailable where PostgreSQL is the reason, Interrupted where it says that it rolled back."""
    try:
        yield
    except _ROLLED_BACK as error:
        raise Interrupted("database", "two transactions got into each other's way") from error
    except _UNAVAILABLE as error:
        raise Unavailable("database", _REASONS.get(type(error), "cannot be reached")) from error


@contextmanager
def interrupted_errors() -> Iterator[None]:
    """Raise Interrupted for a connection that is lost within the block, where nothing has been committed yet."""
    try:
        yield
    except TimeoutError:  # is an OSError, but whoever waited that long must not wait again
        raise
    except _LOST as error:
        raise Interrupted("database", "the connection was lost") from error
