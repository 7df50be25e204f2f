"""The inbox on PostgreSQL."""

from datetime import datetime

from ....database.port import DatabaseTransaction
from ....database.postgresql import PostgresDatabase
from ....database.postgresql.transaction import row_count
from . import statements
from .transaction import on_postgresql


class PostgresInbox:
    """A row for each processed message."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def mark_processed(
        self, transaction: DatabaseTransaction, consumer: str, message_id: str, at: datetime
    ) -> bool:
        """Insert a row, which waits for other transactions that insert the same."""
        inserted = await on_postgresql(transaction).execute(statements.MARK_PROCESSED, consumer, message_id, at)
        return inserted == 1

    async def purge(self, before: datetime) -> int:
        """Delete in small steps until no old row is left."""
        total = 0
        while True:
            async with self._database.connection() as connection:
                deleted = row_count(await connection.execute(statements.PURGE_INBOX, before))
            if not deleted:
                return total
            total += deleted
