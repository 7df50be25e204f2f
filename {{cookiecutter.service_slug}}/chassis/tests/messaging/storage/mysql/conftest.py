"""A database of its own for each test, with the chassis' tables."""

from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr
from sqlalchemy import MetaData

from chassis.database import mysql
from chassis.database.migrations import Migrations
from chassis.database.mysql import DatabaseSettings, MysqlDatabase
from chassis.database.mysql.engine import MigrationTarget
from chassis.messaging.storage.mysql import MIGRATIONS, MysqlMessageStorage
from chassis.testing.mysql import copy_statements, fresh_database
from tests.support import servers

BRANCHES = [mysql.MIGRATIONS, MIGRATIONS]


def settings_of(url: str) -> DatabaseSettings:
    """Settings that name a database."""
    return DatabaseSettings(url=SecretStr(url))


@pytest.fixture(scope="session")
def server_url() -> str:
    """The server."""
    return servers.url("mysql")


@pytest.fixture(scope="session")
def statements(server_url: str) -> list[str]:
    """Statements that make a migrated database."""
    with fresh_database(server_url) as url:
        Migrations(MigrationTarget(settings_of(url)), BRANCHES, MetaData()).upgrade()
        return copy_statements(url)


@pytest.fixture
def url(server_url: str, statements: list[str]) -> Iterator[str]:
    """A migrated database."""
    with fresh_database(server_url, statements) as url:
        yield url


@pytest.fixture
def database_settings(url: str) -> DatabaseSettings:
    """Names a migrated database."""
    return settings_of(url)


@pytest.fixture
def empty_database_settings(server_url: str) -> Iterator[DatabaseSettings]:
    """Names a database without a table."""
    with fresh_database(server_url) as url:
        yield settings_of(url)


@pytest.fixture
async def database(database_settings: DatabaseSettings) -> AsyncIterator[MysqlDatabase]:
    """The empty database, opened."""
    database = MysqlDatabase(database_settings, "test")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def another(database_settings: DatabaseSettings) -> AsyncIterator[MysqlDatabase]:
    """The same database, as another process opens it."""
    database = MysqlDatabase(database_settings, "test")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def storage(database: MysqlDatabase) -> MysqlMessageStorage:
    """Its messages."""
    return MysqlMessageStorage(database)
