"""SQLite: reading, and where transactions begin."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ...audit.entry import AuditEntry
from ...audit.port import AuditQuery
from ..audit import select, to_entry
from ..port import PoolUsage, Row
from ..retries import Retries
from ..revisions import Revisions
from . import audit
from .errors import unavailable_errors
from .idempotency import DELETE_OLD
from .pool import Pool
from .settings import DatabaseSettings
from .transaction import SqliteTransaction
from .values import encode, to_time, to_uuid

# Touches a table, because a file without the schema cannot serve either.
CHECK = "SELECT 1 FROM idempotency_keys LIMIT 1"
REVISIONS = "SELECT version_num FROM alembic_version"


class SqliteDatabase:
    """One file; what is committed is on the disk."""

    kind = "sqlite"

    def __init__(
        self,
        settings: DatabaseSettings,
        application_name: str,  # noqa: ARG002 - all databases are made in the same way; a file asks for no name
        retries: Retries | None = None,
        revisions: Revisions | None = None,
    ) -> None:
        """Make it, without opening the file.

        Args:
            settings: which file, and how many connections.
            application_name: not needed here.
            retries: of queries outside a transaction.
            revisions: of the schema that the service needs; without them, `check` only looks for a table.
        """
        self._path = settings.path
        self._pool = Pool(settings.path, settings.pool_size, settings.busy_timeout_seconds)
        self._claimed: set[str] = set()
        self._retries = retries or Retries()
        self._revisions = revisions

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    async def open(self) -> None:
        """Connections are opened when they are first needed, so that the file may come later."""

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    async def check(self) -> None:
        """Read as requests do, and compare the schema's revisions with those that the service needs."""
        if self._revisions is None:
            await self.fetch(CHECK)
        else:
            self._revisions.verify([revision for [revision] in await self.fetch(REVISIONS)])

    def usage(self) -> PoolUsage:
        """Connections at this moment."""
        return self._pool.usage()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqliteTransaction]:
        """A transaction; it waits for other writers only once it runs a statement."""
        transaction = SqliteTransaction(self._pool, self._claimed)
        with unavailable_errors():
            try:
                yield transaction
            except BaseException:
                await transaction.end(commit=False)
                raise
            await transaction.end(commit=True)

    async def fetch(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a query outside a transaction; returns all rows."""
        return await self._retries.run(lambda: self._rows(statement, *values))

    async def purge(self, statement: str, before: datetime) -> int:
        """Repeat a statement that deletes a bounded number of old rows until none is left; returns how many."""
        total = 0
        while True:
            async with self.begin() as transaction:
                deleted = await transaction.execute(statement, before)
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

    async def _rows(self, statement: str, *values: Any) -> Sequence[Row]:
        with unavailable_errors():
            async with self._pool.reading() as connection:
                return list(await connection.execute_fetchall(statement, [encode(value) for value in values]))
