"""The pool of connections to PostgreSQL, reading, and where transactions begin."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg
from asyncpg.transaction import Transaction

from ...audit.entry import AuditEntry
from ...audit.port import AuditQuery
from ..audit import select, to_entry
from ..port import PoolUsage, Row
from ..recent_answers import RecentAnswers
from ..retries import Retries
from ..revisions import Revisions
from .audit import DELETE_OLD, placeholder
from .connection import Connection
from .errors import interrupted_errors, unavailable_errors
from .idempotency import DELETE
from .options import connect_options
from .settings import DatabaseSettings
from .transaction import PostgresTransaction, row_count

IS_READ_ONLY = "SELECT current_setting('transaction_read_only')::boolean"
# One round trip for both, because probes have little time.
CHECK = "SELECT version_num, current_setting('transaction_read_only')::boolean FROM alembic_version"


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
        self._recent = RecentAnswers()

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
        """Arguments of `asyncpg.connect` for a connection of the pool."""
        return connect_options(self._settings, self._application_name)

    @property
    def has_direct_address(self) -> bool:
        """Whether the server itself can be reached, or only a pooler."""
        return self._settings.direct() is not None

    def direct_options(self) -> dict[str, Any]:
        """Arguments of `asyncpg.connect` for a connection that keeps its session, outside the pool.

        Raises:
            ValueError: there is no direct address.
        """
        direct = self._settings.direct()
        if direct is None:
            raise ValueError("DATABASE_DIRECT_URL is not set")
        return connect_options(direct, self._application_name)

    async def close(self) -> None:
        """Wait for connections in use, then close all."""
        if self._pool is not None:
            await self._pool.close()

    async def check(self) -> None:
        """Raise Unavailable unless a pooled connection can change rows and the schema is complete."""
        if self._recent.replace_a_check(self.usage()):
            return
        async with self.connection() as connection:
            if self._revisions is None:
                is_read_only = await connection.fetchval(IS_READ_ONLY)
            else:
                rows = await connection.fetch(CHECK)
                self._revisions.verify([revision for revision, _ in rows])
                is_read_only = any(read_only for _, read_only in rows)
            if is_read_only:
                raise asyncpg.ReadOnlySQLTransactionError
        self._recent.passed()

    def usage(self) -> PoolUsage:
        """Connections at this moment."""
        if self._pool is None:
            return PoolUsage(in_use=0, idle=0, limit=self._settings.pool_size)
        idle = self._pool.get_idle_size()
        return PoolUsage(in_use=self._pool.get_size() - idle, idle=idle, limit=self._settings.pool_size)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresTransaction]:
        """A transaction at READ COMMITTED: versions guard against lost updates, so nothing stricter is needed."""
        async with self.acquire() as connection:
            with interrupted_errors():
                transaction = await _begun(connection)
                async with _rolled_back_on_error(transaction, connection):
                    yield PostgresTransaction(connection)
            await transaction.commit()  # if lost here, its outcome is unknown, and only the client may try again

    async def fetch(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a query outside a transaction; returns all rows. Retried if the connection was lost."""
        return await self._retries.run(lambda: self._fetch(statement, values))

    async def purge(self, statement: str, before: datetime) -> int:
        """Repeat a statement that deletes a bounded number of old rows until none is left; returns how many."""
        total = 0
        while True:
            async with self.connection() as connection:
                deleted = row_count(await connection.execute(statement, before))
            if not deleted:
                return total
            total += deleted

    async def purge_idempotency_keys(self, before: datetime) -> int:
        """Delete responses saved before a time; returns how many."""
        return await self.purge(DELETE, before)

    async def find_audit_entries(self, wanted: AuditQuery) -> Sequence[AuditEntry]:
        """The newest entries that a query describes, the newest first."""
        statement, values = select(wanted, placeholder)
        return [to_entry(row, _to_uuid, _to_time) for row in await self.fetch(statement, *values)]

    async def purge_audit_entries(self, before: datetime) -> int:
        """Delete entries recorded before a time; returns how many."""
        return await self.purge(DELETE_OLD, before)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for statements outside a transaction. Raises Unavailable, also for failures inside the block.

        Behind a pooler the block is a transaction, because only a transaction has time limits there.
        """
        async with self.acquire() as connection, self._limited(connection):
            yield connection

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """A connection of the pool, on which the block has to begin a transaction. Raises Unavailable."""
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
        self._recent.answered()

    @asynccontextmanager
    async def _limited(self, connection: Connection) -> AsyncIterator[None]:
        """Behind a pooler, a transaction around the block; else nothing, which saves two round trips."""
        if self._settings.pooler == "none":
            yield
            return
        transaction = await _begun(connection)
        async with _rolled_back_on_error(transaction, connection):
            yield
        await transaction.commit()

    async def _expire_old(self, pool: asyncpg.Pool) -> None:
        """Have each connection replaced when it is next needed, once they may have reached their maximum age."""
        if monotonic() > self._expire_at:
            self._expire_at = monotonic() + self._settings.connection_age()
            await pool.expire_connections()

    async def _fetch(self, statement: str, values: Sequence[Any]) -> Sequence[Row]:
        async with self.acquire() as connection:
            with interrupted_errors():
                async with self._limited(connection):
                    rows: Sequence[Any] = await connection.fetch(statement, *values)
        return rows


def _to_uuid(column: UUID) -> UUID:
    """The identity in a column: the driver's is of a class of its own, which not everything that takes a UUID takes."""
    return UUID(int=column.int)


def _to_time(column: datetime) -> datetime:
    """The time in a column, as the driver returns it."""
    return column


async def _begun(connection: Connection) -> Transaction:
    transaction = connection.transaction()
    try:
        await transaction.start()
    except BaseException:
        connection.terminate()  # the caller went away meanwhile: it may be open on the server, or not
        raise
    return transaction


@asynccontextmanager
async def _rolled_back_on_error(transaction: Transaction, connection: Connection) -> AsyncIterator[None]:
    try:
        yield
    except BaseException:
        if not connection.is_closed():
            await transaction.rollback()
        raise
