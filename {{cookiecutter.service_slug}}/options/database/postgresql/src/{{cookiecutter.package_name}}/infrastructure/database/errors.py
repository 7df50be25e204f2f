"""What asyncpg raises when the server cannot be used, in the domain's words."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from ...domain.errors import Unavailable

_UNAVAILABLE = (
    OSError,  # includes TimeoutError
    asyncpg.CannotConnectNowError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.OperatorInterventionError,  # the server is shutting down, or cancelled a statement that took too long
    asyncpg.PostgresConnectionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.UndefinedTableError,
    asyncpg.exceptions.ConnectionDoesNotExistError,
    asyncpg.exceptions.InternalClientError,
    asyncpg.InterfaceError,
)
_REASONS: dict[type[Exception], str] = {
    asyncpg.UndefinedTableError: "schema is missing: run `{{ cookiecutter.service_slug }} migrate`",
    asyncpg.InvalidAuthorizationSpecificationError: "credentials are refused",
    asyncpg.InvalidPasswordError: "credentials are refused",
    asyncpg.InvalidCatalogNameError: "no such database",
    asyncpg.TooManyConnectionsError: "too many connections",
    asyncpg.QueryCanceledError: "statement took too long",
    TimeoutError: "no answer in time",
}


@contextmanager
def unavailable_errors() -> Iterator[None]:
    """Raise Unavailable where PostgreSQL, and not the caller, is the reason."""
    try:
        yield
    except _UNAVAILABLE as error:
        raise Unavailable("database", _REASONS.get(type(error), "cannot be reached")) from error
