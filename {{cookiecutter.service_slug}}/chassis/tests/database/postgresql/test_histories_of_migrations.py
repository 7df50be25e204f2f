"""A service and its chassis each add revisions of their own, in any order, on PostgreSQL."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import inspect

from chassis.database.postgresql import MIGRATIONS, PostgresDatabase
from chassis.database.postgresql.engine import MigrationTarget
from tests.sample.storage.postgresql import create_parcels, tables
from tests.support.migration_histories import MigrationHistoryConformance, Release, Storage

from .conftest import SAMPLE, settings_of

CONCURRENTLY = """with op.get_context().autocommit_block():
        op.create_index("by_reference", "parcels", ["reference"], postgresql_concurrently=True)"""


@pytest.fixture
def storage() -> Storage:
    """The sample on PostgreSQL."""
    return Storage(
        kind="postgresql",
        sample=SAMPLE,
        chassis=MIGRATIONS,
        metadata=tables.metadata,
        target=lambda url: MigrationTarget(settings_of(url)),
        database=lambda url, revisions: PostgresDatabase(settings_of(url), "chassis-tests", revisions=revisions),
        parcels=create_parcels,
    )


class TestHistories(MigrationHistoryConformance):
    """Everything that two histories may do."""


async def test_an_index_is_built_concurrently_while_others_wait_to_migrate(
    storage: Storage, tmp_path: Path, database_url: str
) -> None:
    """CREATE INDEX CONCURRENTLY waits for every open transaction, so waiting processes must not have one."""
    newer = Release(storage, tmp_path, database_url)
    newer.add(newer.service, "0002", "0001", "parcels", CONCURRENTLY)
    await asyncio.gather(*(asyncio.to_thread(newer.migrations().upgrade) for _ in range(4)))
    with MigrationTarget(settings_of(newer.url)).engine().connect() as connection:
        indexes = {index["name"] for index in inspect(connection).get_indexes("parcels")}
    assert "by_reference" in indexes
    assert "0002" in newer.current()
