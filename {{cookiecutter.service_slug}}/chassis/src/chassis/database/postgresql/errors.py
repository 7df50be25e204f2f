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
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InsufficientResourcesError,
    asyncpg.UndefinedTableError,
    asyncpg.InvalidSQLStatementNameError,
    asyncpg.DuplicatePreparedStatementError,
)
# A pooler answers so, unless it is told to ignore startup parameters (`ignore_startup_parameters` of PgBouncer).
UNSUPPORTED = "unsupported startup parameter"
REMEDY = "behind a pooler, set DATABASE_POOLER=transaction, and DATABASE_DIRECT_URL to the server's own address"
_REASONS: dict[type[Exception], str] = {
    asyncpg.UndefinedTableError: "schema is missing: run `migrate`",
    ssl.SSLCertVerificationError: "the certificate of the server is not trusted",
    asyncpg.InvalidAuthorizationSpecificationError: "the server refuses this user here, or without TLS",
    asyncpg.InvalidPasswordError: "credentials are refused",
    asyncpg.InsufficientPrivilegeError: "rights are missing",
    asyncpg.InvalidCatalogNameError: "no such database",
    asyncpg.TooManyConnectionsError: "too many connections",
    asyncpg.DiskFullError: "the disk is full",
    asyncpg.LockNotAvailableError: "a lock was not available in time",
    asyncpg.QueryCanceledError: "statement took too long",
    # The session that prepared it belongs to another client of the pooler by now.
    asyncpg.InvalidSQLStatementNameError: f"the server does not know a prepared statement ({REMEDY})",
    asyncpg.DuplicatePreparedStatementError: f"another client prepared a statement of that name ({REMEDY})",
    TimeoutError: "no answer in time",
}
# Of one statement; every other error above concerns the whole server, except those that do not say.
_OF_A_STATEMENT = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)
_UNCLEAR = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.InvalidSQLStatementNameError,
    asyncpg.DuplicatePreparedStatementError,
)
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
        raise Unavailable("database", _reason(error, "cannot be reached"), is_outage=_is_outage(error)) from error


@contextmanager
def interrupted_errors() -> Iterator[None]:
    """Raise Interrupted for a connection that is lost inside the block, where nothing has been committed yet."""
    try:
        yield
    except TimeoutError:  # is an OSError, but a caller who waited that long must not wait again
        raise
    except _LOST as error:
        raise Interrupted("database", _reason(error, "the connection was lost")) from error


def with_remedy(sentence: str) -> str:
    """A sentence of the server, with the settings to change where it is a pooler that expects others."""
    return f"{sentence} ({REMEDY})" if UNSUPPORTED in sentence else sentence


def _reason(error: Exception, otherwise: str) -> str:
    """The reason of an error; for a refusal, such as a pooler's, the server's own sentence."""
    if isinstance(error, asyncpg.ProtocolViolationError):
        return with_remedy(f"the server refuses: {str(error).splitlines()[0]}")
    return _REASONS.get(type(error), otherwise)


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
