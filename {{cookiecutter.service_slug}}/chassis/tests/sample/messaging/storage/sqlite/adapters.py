"""The sample's data and messages on SQLite."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from chassis.database import Retries, Revisions, sqlite
from chassis.database.migrations import Migrations
from chassis.database.revisions import Branch
from chassis.database.sqlite import DatabaseSettings, SqliteDatabase
from chassis.database.sqlite.engine import MigrationTarget
from chassis.messaging.storage import sqlite as message_storage
from chassis.messaging.storage.sqlite import SqliteMessageStorage
from chassis.messaging.storage.sqlite.tables import history, outbox
from tests.sample.messaging.journal import JournalStatements
from tests.sample.messaging.storage.sqlite import tables
from tests.sample.storage import sqlite as sample
from tests.sample.storage.sql import SqlLabels, SqlParcels
from tests.support.tables import merged

__all__ = ["DatabaseSettings"]

BRANCHES = (
    Branch("sample", Path(sample.__file__).parent / "migrations", frozenset()),
    Branch("sample_messaging", Path(__file__).parent / "migrations", frozenset()),
    sqlite.MIGRATIONS,
    message_storage.MIGRATIONS,
)
JOURNAL = JournalStatements(
    last_version="SELECT COALESCE(MAX(version), 0) FROM journal WHERE aggregate = ? AND aggregate_id = ?",
    insert="INSERT INTO journal (aggregate, aggregate_id, version) VALUES (?, ?, ?)",
)
OUTBOX = outbox
RECORDS = [history, tables.journal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Everything that the sample stores."""

    database: SqliteDatabase
    messages: SqliteMessageStorage
    parcels: SqlParcels
    labels: SqlLabels


def create_storage(settings: DatabaseSettings, retries: Retries) -> Storage:
    """The adapters, not opened."""
    revisions = Revisions(branch.folder for branch in BRANCHES)
    database = SqliteDatabase(settings, "warehouse-service", retries, revisions)
    return Storage(
        database=database,
        messages=SqliteMessageStorage(database),
        parcels=sample.create_parcels(database),
        labels=SqlLabels(sample.STATEMENTS),
    )


def create_migrations(settings: DatabaseSettings) -> Migrations:
    """The schema: the sample's own tables and those of the chassis."""
    from tests.sample.storage.sqlite.tables import metadata

    return Migrations(MigrationTarget(settings), BRANCHES, merged(metadata, tables.metadata))


def create_engine(settings: DatabaseSettings) -> Engine:
    """To look into the tables beside the adapters."""
    return MigrationTarget(settings).engine()
