"""Files of the sample application on SQLite."""

from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import MetaData

from chassis.database.migrations import Migrations
from chassis.database.revisions import Branch, Revisions
from chassis.database.sqlite import MIGRATIONS, DatabaseSettings, SqliteDatabase
from chassis.database.sqlite.engine import MigrationTarget
from tests.sample.storage import sqlite as sample
from tests.sample.storage.sqlite.tables import metadata

SAMPLE = Branch("sample", Path(sample.__file__).parent / "migrations", frozenset())
BRANCHES = (SAMPLE, MIGRATIONS)


def settings_of(path: Path) -> DatabaseSettings:
    """Settings that name a file."""
    return DatabaseSettings(url=SecretStr(f"sqlite:///{path}"))


def migrations_of(
    settings: DatabaseSettings, branches: tuple[Branch, ...] = BRANCHES, tables: MetaData = metadata
) -> Migrations:
    """The migrations of a file."""
    return Migrations(MigrationTarget(settings), branches, tables)


def database_of(settings: DatabaseSettings, branches: tuple[Branch, ...] = BRANCHES) -> SqliteDatabase:
    """The adapter, not opened."""
    return SqliteDatabase(settings, "tests", revisions=Revisions(branch.folder for branch in branches))
