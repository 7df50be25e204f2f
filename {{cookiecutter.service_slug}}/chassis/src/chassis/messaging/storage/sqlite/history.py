"""The history on SQLite."""

from collections.abc import Sequence
from sqlite3 import IntegrityError
from uuid import UUID

from ....database.port import DatabaseTransaction
from ....database.sqlite import SqliteDatabase, to_time, to_uuid
from ....errors import Interrupted
from ...history.port import HistoryEntry
from ...history.rows import COLUMNS, to_entry, to_row
from .transaction import on_sqlite

LAST_VERSION = "SELECT coalesce(max(version), 0) FROM history WHERE aggregate = ? AND aggregate_id = ?"

INSERT = f"INSERT INTO history ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608

SELECT = f"""
SELECT {COLUMNS}
FROM history
WHERE aggregate = ? AND aggregate_id = ? AND version > ?
ORDER BY version LIMIT ?
"""  # noqa: S608


class SqliteHistory:
    """A row for each event."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def last_version(self, transaction: DatabaseTransaction, aggregate: str, id: UUID) -> int:
        """Version of the last entry."""
        [(version,)] = await on_sqlite(transaction).fetch(LAST_VERSION, aggregate, id)
        return int(version)

    async def append(self, transaction: DatabaseTransaction, entry: HistoryEntry) -> None:
        """Insert an entry."""
        try:
            await on_sqlite(transaction).execute(INSERT, *to_row(entry))
        except IntegrityError as error:
            raise Interrupted("database", "another transaction has added this version") from error

    async def entries(self, aggregate: str, id: UUID, after: int, limit: int) -> Sequence[HistoryEntry]:
        """Entries by version."""
        return [
            to_entry(row, to_uuid, to_time) for row in await self._database.fetch(SELECT, aggregate, id, after, limit)
        ]
