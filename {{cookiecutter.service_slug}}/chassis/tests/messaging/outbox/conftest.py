"""An outbox in memory."""

import pytest

from chassis.database.memory import MemoryDatabase
from chassis.messaging.storage.memory import MemoryMessageStorage, MemoryOutbox


@pytest.fixture
def database() -> MemoryDatabase:
    """An empty database."""
    return MemoryDatabase()


@pytest.fixture
def outbox(database: MemoryDatabase) -> MemoryOutbox:
    """Its outbox."""
    return MemoryMessageStorage(database).outbox
