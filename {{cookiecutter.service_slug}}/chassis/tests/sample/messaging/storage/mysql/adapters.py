"""The sample's data and messages on MySQL."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from chassis.database import Retries, Revisions, mysql
from chassis.database.migrations import Migrations
from chassis.database.mysql import DatabaseSettings, MysqlDatabase
from chassis.database.mysql.engine import MigrationTarget
from chassis.database.revisions import Branch
from chassis.messaging.storage import mysql as message_storage
from chassis.messaging.storage.mysql import MysqlMessageStorage
from chassis.messaging.storage.mysql.tables import history, outbox
from tests.sample.messaging.journal import JournalStatements
from tests.sample.messaging.storage.mysql import tables
from tests.sample.storage import mysql as sample
from tests.sample.storage.sql import SqlLabels, SqlParcels
from tests.support.tables import merged

__all__ = ["DatabaseSettings"]

BRANCHES = (
    Branch("sample", Path(sample.__file__).parent / "migrations", frozenset()),
    Branch("sample_messaging", Path(__file__).parent / "migrations", frozenset()),
    mysql.MIGRATIONS,
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

    database: MysqlDatabase
    messages: MysqlMessageStorage
    parcels: SqlParcels
    labels: SqlLabels


def create_storage(settings: DatabaseSettings, retries: Retries) -> Storage:
    """The adapters, not opened."""
    revisions = Revisions(branch.folder for branch in BRANCHES)
    database = MysqlDatabase(settings, "warehouse-service", retries, revisions)
    return Storage(
        database=database,
        messages=MysqlMessageStorage(database),
        parcels=sample.create_parcels(database),
        labels=SqlLabels(sample.STATEMENTS),
    )


def create_migrations(settings: DatabaseSettings) -> Migrations:
    """The schema: the sample's own tables and those of the chassis."""
    from tests.sample.storage.mysql.tables import metadata

    return Migrations(MigrationTarget(settings), BRANCHES, merged(metadata, tables.metadata))


def create_engine(settings: DatabaseSettings) -> Engine:
    """To look into the tables beside the adapters."""
    return MigrationTarget(settings).engine()
