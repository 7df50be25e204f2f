"""A service and its chassis each add revisions of their own, in any order, on SQLite."""

import pytest
from pydantic import SecretStr

from chassis.database.sqlite import MIGRATIONS, DatabaseSettings, SqliteDatabase
from chassis.database.sqlite.engine import MigrationTarget
from tests.database.sqlite.files import SAMPLE
from tests.sample.storage.sqlite import create_parcels, tables
from tests.support.migration_histories import MigrationHistoryConformance, Storage


@pytest.fixture
def storage() -> Storage:
    """The sample on SQLite."""
    return Storage(
        kind="sqlite",
        sample=SAMPLE,
        chassis=MIGRATIONS,
        metadata=tables.metadata,
        target=lambda url: MigrationTarget(DatabaseSettings(url=SecretStr(url))),
        database=lambda url, revisions: SqliteDatabase(
            DatabaseSettings(url=SecretStr(url)), "tests", revisions=revisions
        ),
        parcels=create_parcels,
    )


@pytest.fixture
def database_url(database_settings: DatabaseSettings) -> str:
    """A migrated file."""
    return database_settings.address


class TestHistories(MigrationHistoryConformance):
    """Everything that two histories may do."""
