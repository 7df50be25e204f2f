"""A service and its chassis each add revisions of their own, in any order."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from alembic.config import CommandLine
from sqlalchemy import Column, Integer, MetaData, Table, Text, inspect

from chassis.database.migrations import Migrations, MigrationTarget, SchemaDiffers, current_revisions
from chassis.database.port import IdempotencyKey, SqlDatabase
from chassis.database.revisions import Branch, Revisions
from chassis.errors import Unavailable
from chassis.testing.database import KEY, NOW
from tests.sample.storage.sql import SqlParcels
from tests.support.parcels import new_parcel
from tests.support.tables import merged

REVISION = '''"""A revision."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    """Add a column."""
    {step}


def downgrade() -> None:
    """Drop it."""
    op.drop_column("{table}", "note")
'''
ENVIRONMENT = """
import os
from pydantic import SecretStr
from chassis.database.migrations import run_environment
from chassis.database.{kind} import DatabaseSettings, MIGRATIONS
from chassis.database.{kind}.engine import MigrationTarget
from tests.sample.storage.{kind}.tables import metadata

target = MigrationTarget(DatabaseSettings(url=SecretStr(os.environ["TEST_URL"])))
run_environment(target, metadata, MIGRATIONS.tables)
"""
TEMPLATE = '''"""${message}"""

from alembic import op
import sqlalchemy as sa

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades}
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The sample and the chassis on one kind of database.

    Args:
        kind: name of its folder.
        sample: migrations of the sample.
        chassis: migrations of the chassis.
        metadata: tables of the sample.
        target: the database of a URL, to migrate.
        database: the database of a URL, as a release opens it that knows these revisions.
        parcels: the sample's parcels.
    """

    kind: str
    sample: Branch
    chassis: Branch
    metadata: MetaData
    target: Callable[[str], MigrationTarget]
    database: Callable[[str, Revisions], SqlDatabase]
    parcels: Callable[[SqlDatabase], SqlParcels]


class Release:
    """A release of the sample: its revisions and those of its chassis, which tests add to."""

    def __init__(self, storage: Storage, folder: Path, url: str) -> None:
        self.storage = storage
        self.url = url
        self.service = copied(storage.sample, folder / "migrations" / "versions")
        self.chassis = copied(storage.chassis, folder / "chassis")
        self.branches = [self.service, self.chassis]

    def add(self, branch: Branch, revision: str, before: str, table: str, step: str | None = None) -> None:
        """Add a revision."""
        step = step or f'op.add_column("{table}", sa.Column("note", sa.Text))'
        text = REVISION.format(revision=revision, before=before, table=table, step=step)
        (branch.folder / f"{revision}.py").write_text(text)

    def add_to_service(self) -> None:
        """A revision of the team's own."""
        self.add(self.service, "0002", "0001", "parcels")

    def add_to_chassis(self) -> None:
        """A revision that a newer chassis brings."""
        self.add(self.chassis, "chassis_database_0003", "chassis_database_0002", "idempotency_keys")

    def migrations(self, metadata: MetaData | None = None) -> Migrations:
        """Its migrations."""
        metadata = self.storage.metadata if metadata is None else metadata
        return Migrations(self.storage.target(self.url), self.branches, metadata)

    def revisions(self) -> Revisions:
        """What it knows."""
        return Revisions(branch.folder for branch in self.branches)

    @contextmanager
    def inspected(self) -> Iterator[dict[str, set[str]]]:
        """The columns of each table."""
        with self.storage.target(self.url).engine().connect() as connection:
            found = inspect(connection)
            names = found.get_table_names()
            yield {name: {column["name"] for column in found.get_columns(name)} for name in names}

    def current(self) -> set[str]:
        """The revisions in the database."""
        with self.storage.target(self.url).engine().connect() as connection:
            return set(current_revisions(connection))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[SqlDatabase]:
        """Its database."""
        database = self.storage.database(self.url, self.revisions())
        await database.open()
        try:
            yield database
        finally:
            await database.close()

    async def ready(self) -> None:
        """The readiness check."""
        async with self.opened() as database:
            await database.check()

    def write_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A service's `env.py` and its template of revisions."""
        (self.service.folder.parent / "env.py").write_text(ENVIRONMENT.format(kind=self.storage.kind))
        (self.service.folder.parent / "script.py.mako").write_text(TEMPLATE)
        monkeypatch.setenv("TEST_URL", self.url)


def copied(branch: Branch, folder: Path) -> Branch:
    """The revisions of a branch in a folder that a test may add to."""
    shutil.copytree(branch.folder, folder)
    return Branch(branch.label, folder, branch.tables)


class MigrationHistoryConformance:
    """Fixtures: `storage`, `database_url` of a migrated database, and `database`, opened on it."""

    @pytest.fixture
    def older(self, storage: Storage, tmp_path: Path, database_url: str) -> Release:
        """The release that has migrated the database."""
        return Release(storage, tmp_path / "older", database_url)

    @pytest.fixture
    def newer(self, storage: Storage, tmp_path: Path, database_url: str) -> Release:
        """The next release."""
        return Release(storage, tmp_path / "newer", database_url)

    @pytest.mark.parametrize("first", ["service", "chassis"])
    async def test_revisions_of_service_and_chassis_do_not_collide(
        self, older: Release, newer: Release, first: str
    ) -> None:
        if first == "service":
            newer.add_to_service()
            newer.migrations().upgrade()
            newer.add_to_chassis()
        else:
            newer.add_to_chassis()
            newer.migrations().upgrade()
            newer.add_to_service()
        with pytest.raises(Unavailable, match="migrate"):
            await newer.ready()
        newer.migrations().upgrade()
        await newer.ready()
        assert newer.current() == {"0002", "chassis_database_0003"}
        with newer.inspected() as columns:
            assert "note" in columns["parcels"] & columns["idempotency_keys"]
        older.migrations().upgrade()
        await older.ready()
        assert newer.current() == {"0002", "chassis_database_0003"}

    async def test_nothing_is_lost_and_the_older_release_still_runs(
        self, older: Release, newer: Release, database: SqlDatabase, storage: Storage
    ) -> None:
        parcel, pending = new_parcel(), IdempotencyKey("pending", b"digest")
        async with database.begin() as transaction:
            await transaction.idempotency.claim(KEY)
            await storage.parcels(database).within(transaction).add(parcel)
            await transaction.idempotency.save_response(KEY, b"response", NOW)
        newer.add_to_service()
        newer.add_to_chassis()
        newer.migrations().upgrade()
        await older.ready()
        await database.check()  # the older release, still running
        assert await storage.parcels(database).find(parcel.id) == parcel
        async with database.begin() as transaction:
            assert await transaction.idempotency.claim(KEY) == b"response"
            await transaction.idempotency.save_response(pending, b"more", NOW)
            await storage.parcels(database).within(transaction).add(new_parcel())

    async def test_after_a_rollback_of_the_chassis_the_service_still_migrates(
        self, older: Release, newer: Release
    ) -> None:
        newer.add_to_chassis()
        newer.migrations().upgrade()
        older.add_to_service()
        with pytest.raises(Unavailable):
            await older.ready()
        older.migrations().upgrade()
        await older.ready()
        assert older.current() == {"0002", "chassis_database_0003"}

    def test_autogenerate_never_touches_the_tables_of_the_chassis(self, newer: Release, storage: Storage) -> None:
        newer.add_to_chassis()
        newer.migrations().upgrade()
        newer.migrations().check()
        with_another = merged(storage.metadata)
        Table("invoices", with_another, Column("id", Integer, primary_key=True), Column("note", Text))
        with pytest.raises(SchemaDiffers) as differs:
            newer.migrations(with_another).check()
        assert "invoices" in str(differs.value)
        assert "idempotency_keys" not in str(differs.value)

    def test_a_revision_is_written_after_the_services_own(
        self, newer: Release, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        newer.write_environment(monkeypatch)
        target = newer.storage.target(newer.url)
        with target.engine().connect() as connection, target.guarded(connection):
            connection.exec_driver_sql("ALTER TABLE labels DROP COLUMN text")
        newer.migrations().revise("label text", newer.service)
        [written] = set(newer.service.folder.glob("*label_text.py"))
        text = written.read_text()
        assert "down_revision = '0001'" in text
        assert "add_column" in text
        assert "labels" in text
        assert "idempotency_keys" not in text

    def test_alembics_own_command_line_knows_both(self, newer: Release, monkeypatch: pytest.MonkeyPatch) -> None:
        newer.write_environment(monkeypatch)
        ini = newer.service.folder.parent.parent / "alembic.ini"
        ini.write_text(
            "[alembic]\npath_separator = newline\nscript_location = %(here)s/migrations\nversion_locations =\n"
            "  %(here)s/migrations/versions\n  chassis.database." + newer.storage.kind + ":migrations\n"
        )
        CommandLine().main(["-c", str(ini), "check"])
