"""Migrations of two branches on one database."""

import asyncio
import re

import pytest
from sqlalchemy.exc import OperationalError

from chassis.database.mysql import DatabaseSettings, engine
from chassis.database.mysql import tables as chassis_tables
from chassis.database.mysql.engine import MigrationTarget
from chassis.testing.migrations import check_stairway
from chassis.testing.mysql import run
from tests.database.mysql.servers import BRANCHES, migrations_of
from tests.sample.storage.mysql import tables as sample_tables
from tests.support.tables import merged


def test_every_revision_upgrades_downgrades_and_upgrades_again(empty_database_settings: DatabaseSettings) -> None:
    check_stairway(migrations_of(empty_database_settings))


def test_migrations_create_the_tables(database_settings: DatabaseSettings) -> None:
    migrations_of(database_settings, BRANCHES, merged(sample_tables.metadata, chassis_tables.metadata)).check()


async def test_several_processes_may_migrate_at_once(empty_database_settings: DatabaseSettings) -> None:
    migrations = migrations_of(empty_database_settings)
    await asyncio.gather(*(asyncio.to_thread(migrations.upgrade) for _ in range(10)))
    migrations.check()


def test_an_older_release_leaves_a_newer_schema_alone(database_settings: DatabaseSettings, database_url: str) -> None:
    run(database_url, "UPDATE alembic_version SET version_num = '9999' WHERE version_num = '0001'")
    migrations_of(database_settings).upgrade()
    rows = run(database_url, "SELECT version_num FROM alembic_version ORDER BY version_num")
    assert [*map(tuple, rows)] == [("9999",), ("chassis_database_0002",)]


def test_every_table_can_take_part_in_transactions(database_url: str) -> None:
    rows = run(database_url, "SELECT engine FROM information_schema.tables WHERE table_schema = DATABASE()")
    assert {engine for (engine,) in rows} == {"InnoDB"}


def test_a_migration_that_failed_half_way_names_the_runbook(
    empty_database_settings: DatabaseSettings, empty_database_url: str
) -> None:
    run(empty_database_url, "CREATE TABLE labels (already INT)")
    with pytest.raises(OperationalError) as failed:
        migrations_of(empty_database_settings).upgrade()
    assert any("migration-failed.md" in note for note in failed.value.__notes__)
    assert ("parcels",) in [*map(tuple, run(empty_database_url, "SHOW TABLES"))]
    rows = run(empty_database_url, "SELECT version_num FROM alembic_version")
    assert ("0001",) not in [*map(tuple, rows)]


def test_a_migration_that_waited_too_long_names_the_lock(
    empty_database_settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "WAIT_SECONDS", 0)
    target = MigrationTarget(empty_database_settings)
    with target.engine().connect() as first, target.guarded(first), target.engine().connect() as second:
        with pytest.raises(TimeoutError) as waited, target.guarded(second):
            pytest.fail("two processes migrate at once")
        [name] = re.findall(r"migrate:\w+", str(waited.value))
        assert first.exec_driver_sql(f"SELECT IS_USED_LOCK('{name}') = CONNECTION_ID()").scalar() == 1
