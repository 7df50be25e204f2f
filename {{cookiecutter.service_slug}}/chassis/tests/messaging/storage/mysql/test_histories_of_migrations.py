"""A service and its chassis each add revisions of their own while messages wait, on MySQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from chassis.database import mysql
from chassis.database.mysql import DatabaseSettings, MysqlDatabase
from chassis.database.mysql.engine import MigrationTarget
from chassis.database.port import SqlDatabase
from chassis.database.revisions import Branch
from chassis.messaging.storage.mysql import MIGRATIONS, MysqlMessageStorage
from chassis.testing.mysql import fresh_database
from tests.messaging.storage.migration_histories import Messages, MessagingHistoryConformance
from tests.sample.storage.mysql import create_parcels, tables
from tests.support import servers
from tests.support.migration_histories import Storage


def settings_of(url: str) -> DatabaseSettings:
    """Settings that name a database."""
    return DatabaseSettings(url=SecretStr(url))


def messages_of(database: SqlDatabase) -> MysqlMessageStorage:
    """The messages of a database."""
    assert isinstance(database, MysqlDatabase)
    return MysqlMessageStorage(database)


@pytest.fixture
def sample() -> Storage:
    """The sample on MySQL."""
    return Storage(
        kind="mysql",
        sample=Branch("sample", Path(tables.__file__).parent / "migrations", frozenset()),
        chassis=mysql.MIGRATIONS,
        metadata=tables.metadata,
        target=lambda url: MigrationTarget(settings_of(url)),
        database=lambda url, revisions: MysqlDatabase(settings_of(url), "tests", revisions=revisions),
        parcels=create_parcels,
    )


@pytest.fixture
def messages() -> Messages:
    """Messages on MySQL."""
    return Messages(chassis=MIGRATIONS, storage=messages_of)


@pytest.fixture
def empty_database_url() -> Iterator[str]:
    """A database without a table."""
    with fresh_database(servers.url("mysql")) as url:
        yield url


class TestHistories(MessagingHistoryConformance):
    """Everything that the histories may do."""
