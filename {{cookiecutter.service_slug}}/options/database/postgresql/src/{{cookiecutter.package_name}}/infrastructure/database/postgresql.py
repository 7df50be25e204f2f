"""PostgreSQL through asyncpg: the pool, reading, and where transactions begin."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from ...config.database import DatabaseSettings
from ...domain.errors import NotFound
from ...domain.model import {{ cookiecutter.__Entity }}
from ...domain.ports import Page
from ...domain.values import Status
from . import statements
from .errors import interrupted_errors, unavailable_errors
from .port import PoolUsage
{%- if cookiecutter.tracing != "none" %}
from .tracing import TracedConnection
{%- endif %}
from .unit_of_work import Connection, PostgresUnitOfWork, to_aggregate

_AFTER_EVERYTHING = UUID(int=2**128 - 1)


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


async def _keep_session(_: Connection) -> None:
    """Saves a round trip on every release: no statement here changes the session, and locks end with their transaction.

    asyncpg still rolls back a transaction that was left open.
    """


class PostgresDatabase:
    """A pool of connections; connects when first needed, so that the service can start before its database."""

    kind = "postgresql"

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Make the pool; opens no connection yet."""
        self._pool = await asyncpg.create_pool(
            **self.options(),
            min_size=0,
            max_size=self._settings.pool_size,
            max_inactive_connection_lifetime=self._settings.pool_recycle_seconds,
            reset=_keep_session,
        )

    def options(self) -> dict[str, Any]:
        """How each connection is opened."""
        settings = self._settings
        return {
            "dsn": settings.address,
            "password": settings.read_password,  # called for every new connection
            "ssl": settings.tls_context() or False,
            "timeout": settings.connect_timeout_seconds,
            # The server cancels a statement first and says so; this is for a server that says nothing any more.
            "command_timeout": settings.statement_timeout_seconds + 1,
{%- if cookiecutter.tracing != "none" %}
            "connection_class": TracedConnection,
{%- endif %}
            "server_settings": {
                "application_name": "{{ cookiecutter.service_slug }}",
                "statement_timeout": _milliseconds(settings.statement_timeout_seconds),
                "lock_timeout": _milliseconds(settings.lock_timeout_seconds),
                # A process that dies in a transaction must not hold its locks.
                "idle_in_transaction_session_timeout": _milliseconds(settings.statement_timeout_seconds * 2),
            },
        }

    async def close(self) -> None:
        """Wait for connections in use, then close all."""
        if self._pool is not None:
            await self._pool.close()

    async def check(self) -> None:
        """Ask the server, on a connection as requests use it."""
        async with self.connection() as connection:
            await connection.execute(statements.CHECK)

    def usage(self) -> PoolUsage:
        """Connections at this moment."""
        if self._pool is None:
            return PoolUsage(in_use=0, idle=0, limit=self._settings.pool_size)
        idle = self._pool.get_idle_size()
        return PoolUsage(in_use=self._pool.get_size() - idle, idle=idle, limit=self._settings.pool_size)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresUnitOfWork]:
        """A transaction at READ COMMITTED: versions guard against lost updates, so nothing stricter is needed."""
        async with self.connection() as connection:
            transaction = connection.transaction()
            with interrupted_errors():
                await transaction.start()
                try:
                    yield PostgresUnitOfWork(connection)
                except BaseException:
                    if not connection.is_closed():
                        await transaction.rollback()
                    raise
            await transaction.commit()  # lost in here, its outcome is unknown, and only the client may try again

    async def find(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """Read one."""
        async with self.connection() as connection:
            with interrupted_errors():
                row = await connection.fetchrow(statements.SELECT, id)
        if row is None:
            raise NotFound(id)
        return to_aggregate(row)

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Page:
        """Read one row more than asked for: it tells whether another page follows."""
        bounds = (after or _AFTER_EVERYTHING, limit + 1)
        async with self.connection() as connection:
            with interrupted_errors():
                if status is None:
                    rows = await connection.fetch(statements.PAGE, *bounds)
                else:
                    rows = await connection.fetch(statements.PAGE_BY_STATUS, *bounds, status.value)
        items = [to_aggregate(row) for row in rows[:limit]]
        return Page(items, next=items[-1].id if len(rows) > limit else None)

    async def forget_answers(self, before: datetime) -> int:
        """Delete in small steps until nothing old is left."""
        total = 0
        while True:
            async with self.connection() as connection:
                deleted = int((await connection.execute(statements.DELETE_ANSWERS, before)).rpartition(" ")[2])
            if not deleted:
                return total
            total += deleted

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy]:
        """One of the pool, as long as the block lasts. Raises Unavailable, also for what fails within the block."""
        if self._pool is None:
            raise RuntimeError("the database is used before open()")
        with unavailable_errors():
            async with self._pool.acquire(timeout=self._settings.connect_timeout_seconds) as connection:
                yield connection
