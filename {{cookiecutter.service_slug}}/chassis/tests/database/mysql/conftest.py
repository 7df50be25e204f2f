"""A database of its own for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from chassis.database.mysql import DatabaseSettings, MysqlDatabase
from chassis.testing.mysql import copy_statements, fresh_database
from tests.database.mysql.servers import database_of, migrations_of, settings_of
from tests.support import servers


@pytest.fixture(scope="session")
def server_url() -> str:
    """The server."""
    return servers.url("mysql")


@pytest.fixture(scope="session")
def tables(server_url: str) -> list[str]:
    """Statements that make a migrated database."""
    with fresh_database(server_url) as url:
        migrations_of(settings_of(url)).upgrade()
        return copy_statements(url)


@pytest.fixture
def database_url(server_url: str, tables: list[str]) -> Iterator[str]:
    """A migrated database."""
    with fresh_database(server_url, tables) as url:
        yield url


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database without a table."""
    with fresh_database(server_url) as url:
        yield url


@pytest.fixture
def database_settings(database_url: str) -> DatabaseSettings:
    """Names a migrated database."""
    return settings_of(database_url)


@pytest.fixture
def empty_database_settings(empty_database_url: str) -> DatabaseSettings:
    """Names a database without a table."""
    return settings_of(empty_database_url)


@pytest.fixture
def closed_database(database_settings: DatabaseSettings) -> MysqlDatabase:
    """The adapter, not opened."""
    return database_of(database_settings)


@pytest.fixture
async def database(closed_database: MysqlDatabase) -> AsyncIterator[MysqlDatabase]:
    """The adapter, opened."""
    await closed_database.open()
    yield closed_database
    await closed_database.close()
