"""A database of its own for each module of tests, with the chassis' tables."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import MetaData

from chassis.database import postgresql
from chassis.database.migrations import Migrations
from chassis.database.postgresql import DatabaseSettings, PostgresDatabase
from chassis.database.postgresql.engine import MigrationTarget
from chassis.messaging.storage.postgresql import MIGRATIONS, PostgresMessageStorage
from tests.database.postgresql.servers import settings_of, skip_if_session, stop_pooler
from tests.support import servers

BRANCHES = [postgresql.MIGRATIONS, MIGRATIONS]
EMPTY = "TRUNCATE " + ", ".join(sorted({*postgresql.MIGRATIONS.tables, *MIGRATIONS.tables} - {"outbox_lanes"}))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Through a pooler, tests of sessions are skipped."""
    skip_if_session(item)


@pytest.fixture(scope="session", autouse=True)
def stopped_pooler() -> Iterator[None]:
    """A pooler ends with the run."""
    yield
    stop_pooler()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a new database."""
    server, name = servers.url("postgresql"), f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            created = urlsplit(server)._replace(path=f"/{name}").geturl()
            target = MigrationTarget(settings_of(created))
            Migrations(target, BRANCHES, MetaData()).upgrade()
            yield created
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def database_settings(url: str) -> DatabaseSettings:
    """Settings of the empty database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(EMPTY.encode())
    return settings_of(url)


@pytest.fixture
async def database(database_settings: DatabaseSettings) -> AsyncIterator[PostgresDatabase]:
    """The empty database, opened."""
    database = PostgresDatabase(database_settings, "test")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def another(database_settings: DatabaseSettings) -> AsyncIterator[PostgresDatabase]:
    """The same database, as another process opens it."""
    database = PostgresDatabase(database_settings, "test")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def storage(database: PostgresDatabase) -> PostgresMessageStorage:
    """Its messages."""
    return PostgresMessageStorage(database)
