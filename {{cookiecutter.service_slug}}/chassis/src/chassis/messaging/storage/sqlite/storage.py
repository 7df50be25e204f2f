"""The tables of messaging on SQLite."""

from ....database.sqlite import SqliteDatabase
from .history import SqliteHistory
from .inbox import SqliteInbox
from .outbox import SqliteOutbox


class SqliteMessageStorage:
    """Takes part in the transactions of a database."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.outbox = SqliteOutbox(database)
        self.inbox = SqliteInbox(database)
        self.history = SqliteHistory(database)
