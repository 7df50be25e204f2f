"""The tables of messaging in memory."""

from ....database.memory import MemoryDatabase
from .history import MemoryHistory
from .inbox import MemoryInbox
from .outbox import MemoryOutbox


class MemoryMessageStorage:
    """Create it once for each database: what it stores belongs to this object."""

    def __init__(self, database: MemoryDatabase) -> None:
        """Create empty tables beside those of a database, in whose transactions they take part."""
        self.database = database
        self.outbox = MemoryOutbox()
        self.inbox = MemoryInbox()
        self.history = MemoryHistory()
