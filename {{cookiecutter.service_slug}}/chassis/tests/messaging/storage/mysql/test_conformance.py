"""Messages on MySQL pass the suites."""

import pytest

from chassis.database import mysql
from chassis.database.memory import MemoryDatabase
from chassis.database.migrations import Migrations
from chassis.database.mysql import DatabaseSettings
from chassis.database.mysql import tables as database_tables
from chassis.database.mysql.engine import MigrationTarget
from chassis.messaging.storage.mysql import MIGRATIONS, MysqlMessageStorage, tables
from chassis.testing.messaging import HistoryConformance, InboxConformance, OutboxConformance, new_messages
from chassis.testing.migrations import check_stairway
from tests.support.tables import merged


class TestOutbox(OutboxConformance):
    """The outbox."""


class TestInbox(InboxConformance):
    """The inbox."""


class TestHistory(HistoryConformance):
    """The history."""


async def test_a_transaction_of_another_database_is_refused(storage: MysqlMessageStorage) -> None:
    async with MemoryDatabase().begin() as transaction:
        with pytest.raises(TypeError, match="a transaction of another database"):
            await storage.outbox.enqueue(transaction, new_messages(1))


def test_the_migrations_create_the_tables(database_settings: DatabaseSettings) -> None:
    metadata = merged(database_tables.metadata, tables.metadata)
    Migrations(MigrationTarget(database_settings), [mysql.MIGRATIONS, MIGRATIONS], metadata).check()
    assert MIGRATIONS.tables == set(tables.metadata.tables)


def test_every_revision_upgrades_downgrades_and_upgrades_again(empty_database_settings: DatabaseSettings) -> None:
    check_stairway(
        Migrations(MigrationTarget(empty_database_settings), [mysql.MIGRATIONS, MIGRATIONS], tables.metadata)
    )
