"""The pool of connections to PostgreSQL, reading, and where transactions begin."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from time import monotonic
from typing import Any

import asyncpg

from ..port import PoolUsage, Row
from ..retries import Retries
from ..revisions import Revisions
from .connection import Connection, ObservedConnection
from .errors import interrupted_errors, unavailable_errors
from .idempotency import DELETE
from .settings import DatabaseSettings
from .transaction import PostgresTransaction, row_count

IS_READ_ONLY = "SELECT current_setting('transaction_read_only')::boolean"
CURRENT_REVISIONS = "SELECT version_num FROM alembic_version"


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


async def _keep_session(_: Connection) -> None:
    """Saves a round trip on every release: no statement changes the session, and locks end with their transaction.

    asyncpg still rolls back a transaction that was left open.
    """


class PostgresDatabase:
    """A pool of connections; connects when first needed, so that the service can start before its database."""

    kind = "postgresql"

    def __init__(
        self,
        settings: DatabaseSettings,
        application_name: str,
        retries: Retries | None = None,
        revisions: Revisions | None = None,
    ) -> None:
        """Describe a database; nothing is opened yet.

        Args:
            settings: the server.
            application_name: what the server calls its connections, in `pg_stat_activity` and its log.
            retries: run interrupted queries again.
            revisions: that the schema must have reached to be healthy; None leaves the schema unchecked.
        """
        self._settings = settings
        self._application_name = application_name
        self._retries = retries or Retries()
        self._revisions = revisions
        self._pool: asyncpg.Pool | None = None
        self._expire_at = 0.0

    async def open(self) -> None:
        """Create the pool; opens no connection yet."""
        self._pool = await asyncpg.create_pool(
            **self.options(),
            min_size=0,
            max_size=self._settings.pool_size,
            max_inactive_connection_lifetime=self._settings.pool_recycle_seconds,
            reset=_keep_session,
        )

    def options(self) -> dict[str, Any]:
        """Arguments of `asyncpg.connect` for a connection to this database, also for one outside the pool."""
        settings = self._settings
        return {
            "dsn": settings.address,
            "password": settings.read_password,  # called for every new connection
            "ssl": settings.tls_context() or False,
            "timeout": settings.connect_timeout_seconds,
            # The server cancels a statement first and reports it; this is for a server that no longer answers.
            "command_timeout": settings.statement_timeout_seconds + 1,
            "connection_class": ObservedConnection,
            "server_settings": {
                "application_name": self._application_name,
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
        """Raise Unavailable unless a pooled connection can change rows and the schema is complete."""
        async with self.connection() as connection:
            if self._revisions is not None:
                self._revisions.verify([revision for (revision,) in await connection.fetch(CURRENT_REVISIONS)])
            if await connection.fetchval(IS_READ_ONLY):
                raise asyncpg.ReadOnlySQLTransactionError

    def usage(self) -> PoolUsage:
        """Connections at this moment."""
        if self._pool is None:
            return PoolUsage(in_use=0, idle=0, limit=self._settings.pool_size)
        idle = self._pool.get_idle_size()
        return PoolUsage(in_use=self._pool.get_size() - idle, idle=idle, limit=self._settings.pool_size)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresTransaction]:
        """A transaction at READ COMMITTED: versions guard against lost updates, so nothing stricter is needed."""
        async with self.connection() as connection:
            transaction = connection.transaction()
            with interrupted_errors():
                try:
                    await transaction.start()
                except BaseException:
                    connection.terminate()  # the caller went away meanwhile: it may be open on the server, or not
                    raise
                try:
                    yield PostgresTransaction(connection)
                except BaseException:
                    if not connection.is_closed():
                        await transaction.rollback()
                    raise
            await transaction.commit()  # if lost here, its outcome is unknown, and only the client may try again

    async def fetch(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a query outside a transaction; returns all rows. Retried if the connection was lost."""
        return await self._retries.run(lambda: self._fetch(statement, values))

    async def purge_idempotency_keys(self, before: datetime) -> int:
        """Delete responses saved before a time, in small steps until none is left."""
        total = 0
        while True:
            async with self.connection() as connection:
                deleted = row_count(await connection.execute(DELETE, before))
            if not deleted:
                return total
            total += deleted

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy]:
        """A connection of the pool inside the block. Raises Unavailable, also for failures inside the block."""
        if self._pool is None:
            raise RuntimeError("the database is used before open()")
        await self._expire_old(self._pool)
        with unavailable_errors():
            async with self._pool.acquire(timeout=self._settings.connect_timeout_seconds) as connection:
                try:
                    yield connection
                except asyncpg.ReadOnlySQLTransactionError:
                    # This server accepts no changes any more, or did not when the connections were opened.
                    await self._pool.expire_connections()
                    raise

    async def _expire_old(self, pool: asyncpg.Pool) -> None:
        """Have each connection replaced when it is next needed, once they may have reached their maximum age."""
        if monotonic() > self._expire_at:
            self._expire_at = monotonic() + self._settings.connection_age()
            await pool.expire_connections()

    async def _fetch(self, statement: str, values: Sequence[Any]) -> Sequence[Row]:
        async with self.connection() as connection:
            with interrupted_errors():
                rows: Sequence[Any] = await connection.fetch(statement, *values)
        return rows
