"""The tables of messaging on MySQL."""

from ....database.mysql import MysqlDatabase
from .history import MysqlHistory
from .inbox import MysqlInbox
from .outbox import MysqlOutbox


class MysqlMessageStorage:
    """Takes part in the transactions of a database."""

    def __init__(self, database: MysqlDatabase) -> None:
        self.outbox = MysqlOutbox(database)
        self.inbox = MysqlInbox(database)
        self.history = MysqlHistory(database)
