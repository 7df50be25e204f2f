"""A file of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copyfile

import pytest

from chassis.database.sqlite import DatabaseSettings, SqliteDatabase
from tests.database.sqlite.files import database_of, migrations_of, settings_of


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy: faster than migrating for every test."""
    path = tmp_path_factory.mktemp("template") / "database.sqlite3"
    migrations_of(settings_of(path)).upgrade()
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
def closed_database(database_settings: DatabaseSettings) -> SqliteDatabase:
    """The adapter, not opened."""
    return database_of(database_settings)


@pytest.fixture
async def database(closed_database: SqliteDatabase) -> AsyncIterator[SqliteDatabase]:
    """The adapter, opened."""
    await closed_database.open()
    yield closed_database
    await closed_database.close()
