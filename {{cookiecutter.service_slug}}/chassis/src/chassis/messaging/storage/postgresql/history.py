"""The history on PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from ....database.port import DatabaseTransaction
from ....database.postgresql import PostgresDatabase
from ....errors import Interrupted
from ...history.port import HistoryEntry
from ...history.rows import to_entry, to_row
from . import statements
from .transaction import on_postgresql


class PostgresHistory:
    """A row for each entry."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def last_version(self, transaction: DatabaseTransaction, aggregate: str, id: UUID) -> int:
        """Version of the last entry."""
        [[version]] = await on_postgresql(transaction).fetch(statements.LAST_VERSION, aggregate, id)
        return int(version)

    async def append(self, transaction: DatabaseTransaction, entry: HistoryEntry) -> None:
        """Insert an entry."""
        try:
            await on_postgresql(transaction).execute(statements.INSERT_HISTORY, *to_row(entry))
        except asyncpg.UniqueViolationError as error:
            raise Interrupted("database", "another transaction has added this version") from error

    async def entries(self, aggregate: str, id: UUID, after: int, limit: int) -> Sequence[HistoryEntry]:
        """Entries by version."""
        rows = await self._database.fetch(statements.SELECT_HISTORY, aggregate, id, after, limit)
        return [to_entry(row) for row in rows]
