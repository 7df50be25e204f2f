"""Messages on PostgreSQL pass the suites."""

import pytest

from chassis.database import postgresql
from chassis.database.memory import MemoryDatabase
from chassis.database.migrations import Migrations
from chassis.database.postgresql import DatabaseSettings
from chassis.database.postgresql.engine import MigrationTarget
from chassis.messaging.storage.postgresql import MIGRATIONS, PostgresMessageStorage
from chassis.messaging.storage.postgresql.tables import metadata
from chassis.testing.messaging import HistoryConformance, InboxConformance, OutboxConformance, new_messages


class TestOutbox(OutboxConformance):
    """The outbox."""


class TestInbox(InboxConformance):
    """The inbox."""


class TestHistory(HistoryConformance):
    """The history."""


async def test_a_transaction_of_another_database_is_refused(storage: PostgresMessageStorage) -> None:
    async with MemoryDatabase().begin() as transaction:
        with pytest.raises(TypeError, match="a transaction of another database"):
            await storage.outbox.enqueue(transaction, new_messages(1))


def test_the_migrations_create_the_tables(database_settings: DatabaseSettings) -> None:
    Migrations(MigrationTarget(database_settings), [postgresql.MIGRATIONS, MIGRATIONS], metadata).check()
    assert MIGRATIONS.tables == set(metadata.tables)
