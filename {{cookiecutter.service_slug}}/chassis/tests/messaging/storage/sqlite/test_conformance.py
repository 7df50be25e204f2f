"""Messages on SQLite pass the suites."""

import pytest

from chassis.database import sqlite
from chassis.database.memory import MemoryDatabase
from chassis.database.migrations import Migrations
from chassis.database.sqlite import DatabaseSettings
from chassis.database.sqlite import tables as database_tables
from chassis.database.sqlite.engine import MigrationTarget
from chassis.messaging.storage.sqlite import MIGRATIONS, SqliteMessageStorage, tables
from chassis.testing.messaging import HistoryConformance, InboxConformance, OutboxConformance, new_messages
from chassis.testing.migrations import check_stairway
from tests.support.tables import merged


class TestOutbox(OutboxConformance):
    """The outbox."""


class TestInbox(InboxConformance):
    """The inbox."""


class TestHistory(HistoryConformance):
    """The history."""


async def test_a_transaction_of_another_database_is_refused(storage: SqliteMessageStorage) -> None:
    async with MemoryDatabase().begin() as transaction:
        with pytest.raises(TypeError, match="a transaction of another database"):
            await storage.outbox.enqueue(transaction, new_messages(1))


def test_the_migrations_create_the_tables(database_settings: DatabaseSettings) -> None:
    metadata = merged(database_tables.metadata, tables.metadata)
    Migrations(MigrationTarget(database_settings), [sqlite.MIGRATIONS, MIGRATIONS], metadata).check()
    assert MIGRATIONS.tables == set(tables.metadata.tables)


def test_every_revision_upgrades_downgrades_and_upgrades_again(empty_database_settings: DatabaseSettings) -> None:
    check_stairway(
        Migrations(MigrationTarget(empty_database_settings), [sqlite.MIGRATIONS, MIGRATIONS], tables.metadata)
    )
