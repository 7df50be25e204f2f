"""A file of its own for each test, with the chassis' tables."""

from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copyfile

import pytest
from pydantic import SecretStr
from sqlalchemy import MetaData

from chassis.database import sqlite
from chassis.database.migrations import Migrations
from chassis.database.sqlite import DatabaseSettings, SqliteDatabase
from chassis.database.sqlite.engine import MigrationTarget
from chassis.messaging.storage.sqlite import MIGRATIONS, SqliteMessageStorage

BRANCHES = [sqlite.MIGRATIONS, MIGRATIONS]


def settings_of(path: Path) -> DatabaseSettings:
    """Settings that name a file."""
    return DatabaseSettings(url=SecretStr(f"sqlite:///{path}"))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy: faster than migrating for every test."""
    path = tmp_path_factory.mktemp("template") / "database.sqlite3"
    Migrations(MigrationTarget(settings_of(path)), BRANCHES, MetaData()).upgrade()
    return path


@pytest.fixture
def database_settings(template: Path, tmp_path: Path) -> DatabaseSettings:
    """Names a migrated file."""
    return settings_of(copyfile(template, tmp_path / "database.sqlite3"))


@pytest.fixture
def empty_database_settings(tmp_path: Path) -> DatabaseSettings:
    """Names a file that does not exist."""
    return settings_of(tmp_path / "empty.sqlite3")


@pytest.fixture
async def database(database_settings: DatabaseSettings) -> AsyncIterator[SqliteDatabase]:
    """The file, opened."""
    database = SqliteDatabase(database_settings, "test")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def storage(database: SqliteDatabase) -> SqliteMessageStorage:
    """Its messages."""
    return SqliteMessageStorage(database)
