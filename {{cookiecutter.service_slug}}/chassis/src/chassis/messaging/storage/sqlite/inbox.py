"""The inbox on SQLite."""

from datetime import datetime

from ....database.port import DatabaseTransaction
from ....database.sqlite import SqliteDatabase
from .transaction import on_sqlite

INSERT = "INSERT INTO inbox (consumer, message_id, received_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"

# A bounded share at a time, because all other writers wait meanwhile.
DELETE_OLD = """
DELETE FROM inbox
WHERE (consumer, message_id) IN (SELECT consumer, message_id FROM inbox WHERE received_at < ? LIMIT 1000)
"""


class SqliteInbox:
    """A row for each message and consumer."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def mark_processed(
        self, transaction: DatabaseTransaction, consumer: str, message_id: str, at: datetime
    ) -> bool:
        """Insert a row; no other transaction writes meanwhile."""
        return await on_sqlite(transaction).execute(INSERT, consumer, message_id, at) == 1

    async def purge(self, before: datetime) -> int:
        """Delete in small steps."""
        return await self._database.purge(DELETE_OLD, before)
