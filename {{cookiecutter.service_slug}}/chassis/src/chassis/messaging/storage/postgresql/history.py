"""The history on PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import orjson

from ....database.port import DatabaseTransaction, Row
from ....database.postgresql import PostgresDatabase
from ....errors import Interrupted
from ...history.port import HistoryEntry
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
            await on_postgresql(transaction).execute(
                statements.INSERT_HISTORY,
                entry.aggregate,
                entry.aggregate_id,
                entry.version,
                entry.event_id,
                entry.type,
                entry.occurred_at,
                orjson.dumps(entry.data).decode(),
            )
        except asyncpg.UniqueViolationError as error:
            raise Interrupted("database", "another transaction has added this version") from error

    async def entries(self, aggregate: str, id: UUID, after: int, limit: int) -> Sequence[HistoryEntry]:
        """Entries by version."""
        rows = await self._database.fetch(statements.SELECT_HISTORY, aggregate, id, after, limit)
        return [_to_entry(row) for row in rows]


def _to_entry(row: Row) -> HistoryEntry:
    event_id, type, aggregate, aggregate_id, version, occurred_at, data = row
    return HistoryEntry(
        event_id=event_id,
        type=type,
        aggregate=aggregate,
        aggregate_id=aggregate_id,
        version=version,
        occurred_at=occurred_at,
        data=orjson.loads(data),
    )
