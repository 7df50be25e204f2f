"""A service and its chassis each add revisions of their own while messages wait, on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.database import postgresql
from chassis.database.port import SqlDatabase
from chassis.database.postgresql import PostgresDatabase
from chassis.database.postgresql.engine import MigrationTarget
from chassis.database.revisions import Branch
from chassis.messaging.storage.postgresql import MIGRATIONS, PostgresMessageStorage
from chassis.testing.postgresql import fresh_database
from tests.database.postgresql.servers import settings_of
from tests.messaging.storage.migration_histories import Messages, MessagingHistoryConformance
from tests.sample.storage.postgresql import create_parcels, tables
from tests.support import servers
from tests.support.migration_histories import Storage


def messages_of(database: SqlDatabase) -> PostgresMessageStorage:
    """The messages of a database."""
    assert isinstance(database, PostgresDatabase)
    return PostgresMessageStorage(database)


@pytest.fixture
def sample() -> Storage:
    """The sample on PostgreSQL."""
    return Storage(
        kind="postgresql",
        sample=Branch("sample", Path(tables.__file__).parent / "migrations", frozenset()),
        chassis=postgresql.MIGRATIONS,
        metadata=tables.metadata,
        target=lambda url: MigrationTarget(settings_of(url)),
        database=lambda url, revisions: PostgresDatabase(settings_of(url), "tests", revisions=revisions),
        parcels=create_parcels,
    )


@pytest.fixture
def messages() -> Messages:
    """Messages on PostgreSQL."""
    return Messages(chassis=MIGRATIONS, storage=messages_of)


@pytest.fixture
def empty_database_url() -> Iterator[str]:
    """A database without a table."""
    with fresh_database(servers.url("postgresql")) as url:
        yield url


class TestHistories(MessagingHistoryConformance):
    """Everything that the histories may do."""
