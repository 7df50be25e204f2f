"""Messages in memory pass the same suites as on the real databases."""

import pytest

from chassis.database.memory import MemoryDatabase
from chassis.messaging.storage.memory import MemoryMessageStorage
from chassis.testing.messaging import HistoryConformance, InboxConformance, OutboxConformance


class InMemory:
    """Fixtures of the suites."""

    @pytest.fixture
    def database(self) -> MemoryDatabase:
        """An empty database."""
        return MemoryDatabase()

    @pytest.fixture
    def storage(self, database: MemoryDatabase) -> MemoryMessageStorage:
        """Its messages."""
        return MemoryMessageStorage(database)


class TestOutbox(InMemory, OutboxConformance):
    """The outbox."""


class TestInbox(InMemory, InboxConformance):
    """The inbox."""


class TestHistory(InMemory, HistoryConformance):
    """The history."""
