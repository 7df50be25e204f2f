"""A service and its chassis each add revisions of their own, in any order, on MySQL."""

import pytest

from chassis.database.mysql import MIGRATIONS, MysqlDatabase
from chassis.database.mysql.engine import MigrationTarget
from tests.database.mysql.servers import SAMPLE, settings_of
from tests.sample.storage.mysql import create_parcels, tables
from tests.support.migration_histories import MigrationHistoryConformance, Storage


@pytest.fixture
def storage() -> Storage:
    """The sample on MySQL."""
    return Storage(
        kind="mysql",
        sample=SAMPLE,
        chassis=MIGRATIONS,
        metadata=tables.metadata,
        target=lambda url: MigrationTarget(settings_of(url)),
        database=lambda url, revisions: MysqlDatabase(settings_of(url), "tests", revisions=revisions),
        parcels=create_parcels,
    )


class TestHistories(MigrationHistoryConformance):
    """Everything that two histories may do."""
