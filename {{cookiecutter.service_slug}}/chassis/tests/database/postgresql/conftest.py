"""A migrated database for each test, with the tables of the sample and of the chassis."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from chassis.database.migrations import Migrations
from chassis.database.postgresql import MIGRATIONS, DatabaseSettings, PostgresDatabase
from chassis.database.postgresql.engine import MigrationTarget
from chassis.database.revisions import Branch, Revisions
from chassis.testing.postgresql import fresh_database
from tests.sample.storage.postgresql import tables
from tests.support import servers

from .servers import settings_of as reached
from .servers import skip_if_session, stop_pooler

SAMPLE = Branch("sample", Path(tables.__file__).parent / "migrations", frozenset())
BRANCHES = (SAMPLE, MIGRATIONS)
REVISIONS = Revisions(branch.folder for branch in BRANCHES)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Through a pooler, tests of sessions are skipped."""
    skip_if_session(item)


@asynccontextmanager
async def opened_with(settings: DatabaseSettings) -> AsyncIterator[PostgresDatabase]:
    """The adapter with these settings."""
    database = PostgresDatabase(settings, "chassis-tests", revisions=REVISIONS)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture(scope="session", autouse=True)
def stopped_pooler() -> Iterator[None]:
    """A pooler ends with the run."""
    yield
    stop_pooler()


def settings_of(url: str, **values: Any) -> DatabaseSettings:
    """Settings that name a database."""
    return reached(url, **{"pool_size": 4} | values)


def migrations_of(url: str) -> Migrations:
    """The migrations of the sample and of the chassis."""
    return migrations_with(settings_of(url))


def migrations_with(settings: DatabaseSettings) -> Migrations:
    """The same with other settings."""
    return Migrations(MigrationTarget(settings), BRANCHES, tables.metadata)


@pytest.fixture(scope="session")
def server_url() -> str:
    """The server."""
    return servers.url("postgresql")


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """A migrated database to copy."""
    with fresh_database(server_url) as url:
        migrations_of(url).upgrade()
        yield urlsplit(url).path.lstrip("/")


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """A migrated database."""
    with fresh_database(server_url, template) as url:
        yield url


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database without a table."""
    with fresh_database(server_url) as url:
        yield url


@pytest.fixture
def closed_database(database_url: str) -> PostgresDatabase:
    """The adapter, not opened."""
    return PostgresDatabase(settings_of(database_url), "chassis-tests", revisions=REVISIONS)


@pytest.fixture
async def database(closed_database: PostgresDatabase) -> AsyncIterator[PostgresDatabase]:
    """The adapter, opened."""
    await closed_database.open()
    yield closed_database
    await closed_database.close()
