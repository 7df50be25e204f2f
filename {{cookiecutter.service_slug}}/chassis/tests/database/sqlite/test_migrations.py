"""Migrations of two branches on one file."""

import asyncio

from sqlalchemy import text

from chassis.database.migrations import current_revisions
from chassis.database.sqlite import DatabaseSettings
from chassis.database.sqlite import tables as chassis_tables
from chassis.database.sqlite.engine import MigrationTarget
from chassis.testing.migrations import check_stairway
from tests.database.sqlite.files import BRANCHES, migrations_of
from tests.sample.storage.sqlite import tables as sample_tables
from tests.support.tables import merged


def test_every_revision_upgrades_downgrades_and_upgrades_again(empty_database_settings: DatabaseSettings) -> None:
    check_stairway(migrations_of(empty_database_settings))


def test_migrations_create_the_tables(database_settings: DatabaseSettings) -> None:
    migrations_of(database_settings, BRANCHES, merged(sample_tables.metadata, chassis_tables.metadata)).check()


async def test_several_processes_may_migrate_at_once(empty_database_settings: DatabaseSettings) -> None:
    migrations = migrations_of(empty_database_settings)
    await asyncio.gather(*(asyncio.to_thread(migrations.upgrade) for _ in range(10)))
    migrations.check()


def test_an_older_release_leaves_a_newer_schema_alone(database_settings: DatabaseSettings) -> None:
    target = MigrationTarget(database_settings)
    with target.engine().connect() as connection, target.guarded(connection):
        connection.execute(text("UPDATE alembic_version SET version_num = '9999' WHERE version_num = '0001'"))
    migrations_of(database_settings).upgrade()
    with target.engine().connect() as connection:
        assert set(current_revisions(connection)) == {"9999", "chassis_database_0002"}
