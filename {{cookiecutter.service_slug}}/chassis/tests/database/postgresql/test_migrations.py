"""Migrations of the sample and of the chassis, side by side."""

import asyncio

import pytest
from psycopg import connect
from sqlalchemy import MetaData, inspect

from chassis.database.migrations import Migrations, SchemaDiffers, current_revisions
from chassis.database.postgresql import MIGRATIONS
from chassis.database.postgresql import tables as chassis_tables
from chassis.database.postgresql.engine import MigrationTarget
from chassis.database.revisions import Branch
from chassis.testing.migrations import check_stairway

from .conftest import REVISIONS, SAMPLE, migrations_of, settings_of


def current(url: str) -> set[str]:
    """The revisions in a database."""
    with MigrationTarget(settings_of(url)).engine().connect() as connection:
        return set(current_revisions(connection))


def test_every_revision_goes_up_down_and_up_again(empty_database_url: str) -> None:
    check_stairway(migrations_of(empty_database_url))
    assert current(empty_database_url) == REVISIONS.heads


def test_alembic_finds_the_same_revisions(empty_database_url: str) -> None:
    assert set(migrations_of(empty_database_url).revisions()) == REVISIONS.known


def test_downgrades_to_nothing(database_url: str) -> None:
    migrations_of(database_url).downgrade("base")
    assert current(database_url) == set()


def test_the_chassis_tables_agree_with_its_migrations(database_url: str) -> None:
    target = MigrationTarget(settings_of(database_url))
    visible = Branch(MIGRATIONS.label, MIGRATIONS.folder, frozenset())
    sample = Branch(SAMPLE.label, SAMPLE.folder, frozenset({"parcels", "labels"}))
    Migrations(target, (visible, sample), chassis_tables.metadata).check()
    assert set(chassis_tables.metadata.tables) == MIGRATIONS.tables


def test_the_tables_of_the_chassis_are_hidden_from_the_service(database_url: str) -> None:
    migrations_of(database_url).check()
    target = MigrationTarget(settings_of(database_url))
    visible = Branch(MIGRATIONS.label, MIGRATIONS.folder, frozenset())
    with pytest.raises(SchemaDiffers, match="idempotency_keys"):
        Migrations(target, (SAMPLE, visible), MetaData()).check()


async def test_many_processes_may_migrate_at_once(empty_database_url: str) -> None:
    migrations = migrations_of(empty_database_url)
    await asyncio.gather(*(asyncio.to_thread(migrations.upgrade) for _ in range(10)))
    migrations.check()


def test_an_older_release_leaves_a_newer_schema_alone(database_url: str) -> None:
    with connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'newer' WHERE version_num = '0001'")
    migrations_of(database_url).upgrade()
    assert current(database_url) == {"newer", "chassis_database_0002"}


def test_the_schema_has_only_the_tables_of_its_branches(database_url: str) -> None:
    with MigrationTarget(settings_of(database_url)).engine().connect() as connection:
        names = set(inspect(connection).get_table_names())
    assert names == {"alembic_version", "parcels", "labels", *MIGRATIONS.tables}
