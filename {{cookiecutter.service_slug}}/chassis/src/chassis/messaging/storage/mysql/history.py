"""The history on MySQL."""

from collections.abc import Sequence
from uuid import UUID

import orjson
from asyncmy.errors import IntegrityError

from ....database.mysql import MysqlDatabase, to_time, to_uuid
from ....database.mysql.errors import DUPLICATE, number_of
from ....database.port import DatabaseTransaction, Row
from ....errors import Interrupted
from ...history.port import HistoryEntry
from .transaction import on_mysql

LAST_VERSION = "SELECT COALESCE(MAX(version), 0) FROM history WHERE aggregate = ? AND aggregate_id = ?"

INSERT = """
INSERT INTO history (aggregate, aggregate_id, version, event_id, type, occurred_at, data) VALUES (?, ?, ?, ?, ?, ?, ?)
"""

SELECT = """
SELECT event_id, type, aggregate, aggregate_id, version, occurred_at, data
FROM history
WHERE aggregate = ? AND aggregate_id = ? AND version > ?
ORDER BY version LIMIT ?
"""


class MysqlHistory:
    """A row for each event."""

    def __init__(self, database: MysqlDatabase) -> None:
        self._database = database

    async def last_version(self, transaction: DatabaseTransaction, aggregate: str, id: UUID) -> int:
        """Version of the last entry."""
        [(version,)] = await on_mysql(transaction).fetch(LAST_VERSION, aggregate, id)
        return int(version)

    async def append(self, transaction: DatabaseTransaction, entry: HistoryEntry) -> None:
        """Insert an entry."""
        try:
            await on_mysql(transaction).execute(
                INSERT,
                entry.aggregate,
                entry.aggregate_id,
                entry.version,
                entry.event_id,
                entry.type,
                entry.occurred_at,
                orjson.dumps(entry.data).decode(),
            )
        except IntegrityError as error:
            if number_of(error) != DUPLICATE:
                raise
            raise Interrupted("database", "another transaction has added this version") from error

    async def entries(self, aggregate: str, id: UUID, after: int, limit: int) -> Sequence[HistoryEntry]:
        """Entries by version."""
        return [_to_entry(row) for row in await self._database.fetch(SELECT, aggregate, id, after, limit)]


def _to_entry(row: Row) -> HistoryEntry:
    event_id, type, aggregate, aggregate_id, version, occurred_at, data = row
    return HistoryEntry(
        event_id=to_uuid(event_id),
        type=type,
        aggregate=aggregate,
        aggregate_id=to_uuid(aggregate_id),
        version=version,
        occurred_at=to_time(occurred_at),
        data=orjson.loads(data),
    )
