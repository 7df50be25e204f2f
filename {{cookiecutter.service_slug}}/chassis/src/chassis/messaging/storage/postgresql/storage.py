"""The tables of messaging on PostgreSQL."""

from ....database.postgresql import PostgresDatabase
from .history import PostgresHistory
from .inbox import PostgresInbox
from .outbox import PostgresOutbox


class PostgresMessageStorage:
    """Takes part in the transactions of a database, and has some of its own."""

    def __init__(self, database: PostgresDatabase) -> None:
        self.outbox = PostgresOutbox(database)
        self.inbox = PostgresInbox(database)
        self.history = PostgresHistory(database)
