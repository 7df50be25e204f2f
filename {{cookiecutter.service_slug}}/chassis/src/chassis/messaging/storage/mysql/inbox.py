"""The inbox on MySQL."""

from datetime import datetime

from asyncmy.errors import IntegrityError

from ....database.mysql import MysqlDatabase
from ....database.mysql.errors import DUPLICATE, number_of
from ....database.port import DatabaseTransaction
from .transaction import on_mysql

# Without IGNORE, which would hide every other error as well.
INSERT = "INSERT INTO inbox (consumer, message_id, received_at) VALUES (?, ?, ?)"

# A bounded share at a time, so that no long transaction keeps old versions of rows alive.
DELETE_OLD = "DELETE FROM inbox WHERE received_at < ? ORDER BY received_at LIMIT 1000"


class MysqlInbox:
    """A row for each message and consumer."""

    def __init__(self, database: MysqlDatabase) -> None:
        self._database = database

    async def mark_processed(
        self, transaction: DatabaseTransaction, consumer: str, message_id: str, at: datetime
    ) -> bool:
        """Insert a row, which waits for other transactions that insert the same."""
        try:
            await on_mysql(transaction).execute(INSERT, consumer.encode(), message_id.encode(), at)
        except IntegrityError as error:
            if number_of(error) != DUPLICATE:
                raise
            return False
        return True

    async def purge(self, before: datetime) -> int:
        """Delete in small steps."""
        return await self._database.purge(DELETE_OLD, before)
