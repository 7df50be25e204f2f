"""MySQL: reading, and where transactions begin."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any

from ...audit.entry import AuditEntry
from ...audit.port import AuditQuery
from ...errors import ReadOnly
from ..audit import select, to_entry
from ..port import PoolUsage, Row
from ..recent_answers import RecentAnswers
from ..retries import Retries
from ..revisions import Revisions
from . import audit
from .connection import Connection
from .errors import interrupted_errors, unavailable_errors
from .idempotency import DELETE_OLD
from .pool import Pool
from .sessions import connect
from .settings import DatabaseSettings
from .transaction import MysqlTransaction
from .values import to_time, to_uuid

# Touches a table, because a server without the schema cannot serve either.
CHECK = "SELECT 1 FROM idempotency_keys LIMIT 1"
# `read_only` binds every account but administrators; a replica has it, and a primary that was demoted.
IS_READ_ONLY = "SELECT @@global.read_only"
REVISIONS = "SELECT version_num FROM alembic_version"


class MysqlDatabase:
    """A pool of connections; connects when first needed, so that the service can start before its database."""

    kind = "mysql"

    def __init__(
        self,
        settings: DatabaseSettings,
        application_name: str,
        retries: Retries | None = None,
        revisions: Revisions | None = None,
    ) -> None:
        """Make it, without a connection.

        Args:
            settings: which server, and the limits.
            application_name: shown by the server for each connection.
            retries: of queries outside a transaction.
            revisions: of the schema that the service needs; without them, `check` only looks for a table.
        """
        self._settings = settings
        self._application_name = application_name
        self._retries = retries or Retries()
        self._revisions = revisions
        self._pool: Pool | None = None
        self._recent = RecentAnswers()

    async def open(self) -> None:
        """Make the pool, unless there is one; opens no connection yet."""
        self._pool = self._pool or Pool(
            partial(connect, self._settings, self._application_name),
            size=self._settings.pool_size,
            wait_seconds=self._settings.connect_timeout_seconds,
            recycle_seconds=self._settings.pool_recycle_seconds,
            max_age=self._settings.connection_age,
        )

    async def close(self) -> None:
        """Wait for connections in use, then close all."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def check(self) -> None:
        """Ask the server, on a connection as requests use it, whether it has the schema and accepts changes."""
        if self._recent.replace_a_check(self.usage()):
            return
        if self._revisions is None:
            await self.fetch(CHECK)
        else:
            self._revisions.verify([revision for [revision] in await self.fetch(REVISIONS)])
        await self._retries.run(self._verify_accepts_changes)
        self._recent.passed()

    def usage(self) -> PoolUsage:
        """Connections at this moment."""
        if self._pool is None:
            return PoolUsage(in_use=0, idle=0, limit=self._settings.pool_size)
        return self._pool.usage()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MysqlTransaction]:
        """A transaction at READ COMMITTED: versions guard against lost updates, so nothing stricter is needed."""
        async with self.connection() as connection:
            with interrupted_errors():
                await connection.run("BEGIN")
                try:
                    yield MysqlTransaction(connection)
                except BaseException:
                    await connection.roll_back()
                    raise
            await connection.commit()  # if it is lost here, the outcome is unknown, and only the client may try again

    async def fetch(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a query outside a transaction; returns all rows."""
        return await self._retries.run(lambda: self._rows(statement, *values))

    async def purge(self, statement: str, before: datetime) -> int:
        """Repeat a statement that deletes a bounded number of old rows until none is left; returns how many."""
        total = 0
        while True:
            async with self.connection() as connection:
                deleted = await connection.execute(statement, before)
            if not deleted:
                return total
            total += deleted

    async def purge_idempotency_keys(self, before: datetime) -> int:
        """Delete responses saved before a time; returns how many."""
        return await self.purge(DELETE_OLD, before)

    async def find_audit_entries(self, wanted: AuditQuery) -> Sequence[AuditEntry]:
        """The newest entries that a query describes, the newest first."""
        statement, values = select(wanted, audit.placeholder)
        return [to_entry(row, to_uuid, to_time) for row in await self.fetch(statement, *values)]

    async def purge_audit_entries(self, before: datetime) -> int:
        """Delete entries recorded before a time; returns how many."""
        return await self.purge(audit.DELETE_OLD, before)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool, inside the block. Raises Unavailable, also for errors inside the block."""
        if self._pool is None:
            raise RuntimeError("the database is used before open()")
        with unavailable_errors():
            async with self._pool.connection() as connection:
                yield connection
        self._recent.answered()

    async def _verify_accepts_changes(self) -> None:
        """Raise ReadOnly otherwise, and connect anew next time: the address may lead to another server by then."""
        async with self.connection() as connection:
            with interrupted_errors():
                [[is_read_only]] = await connection.fetch(IS_READ_ONLY)
            if is_read_only:
                connection.abandon()
                raise ReadOnly("database")

    async def _rows(self, statement: str, *values: Any) -> Sequence[Row]:
        async with self.connection() as connection:
            with interrupted_errors():
                return await connection.fetch(statement, *values)
