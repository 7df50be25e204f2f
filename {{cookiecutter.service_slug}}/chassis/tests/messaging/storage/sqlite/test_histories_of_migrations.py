"""A service and its chassis each add revisions of their own while messages wait, on SQLite."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from chassis.database import sqlite
from chassis.database.port import SqlDatabase
from chassis.database.revisions import Branch
from chassis.database.sqlite import DatabaseSettings, SqliteDatabase
from chassis.database.sqlite.engine import MigrationTarget
from chassis.messaging.storage.sqlite import MIGRATIONS, SqliteMessageStorage
from tests.messaging.storage.migration_histories import Messages, MessagingHistoryConformance
from tests.sample.storage.sqlite import create_parcels, tables
from tests.support.migration_histories import Storage


def settings_of(url: str) -> DatabaseSettings:
    """Settings that name a database."""
    return DatabaseSettings(url=SecretStr(url))


def messages_of(database: SqlDatabase) -> SqliteMessageStorage:
    """The messages of a database."""
    assert isinstance(database, SqliteDatabase)
    return SqliteMessageStorage(database)


@pytest.fixture
def sample() -> Storage:
    """The sample on SQLite."""
    return Storage(
        kind="sqlite",
        sample=Branch("sample", Path(tables.__file__).parent / "migrations", frozenset()),
        chassis=sqlite.MIGRATIONS,
        metadata=tables.metadata,
        target=lambda url: MigrationTarget(settings_of(url)),
        database=lambda url, revisions: SqliteDatabase(settings_of(url), "tests", revisions=revisions),
        parcels=create_parcels,
    )


@pytest.fixture
def messages() -> Messages:
    """Messages on SQLite."""
    return Messages(chassis=MIGRATIONS, storage=messages_of)


@pytest.fixture
def empty_database_url(tmp_path: Path) -> str:
    """A file that does not exist."""
    return f"sqlite:///{tmp_path / 'histories.sqlite3'}"


class TestHistories(MessagingHistoryConformance):
    """Everything that the histories may do."""
