"""The sample's data and messages on PostgreSQL."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from chassis.database import Retries, Revisions, postgresql
from chassis.database.migrations import Migrations
from chassis.database.postgresql import DatabaseSettings, PostgresDatabase
from chassis.database.postgresql.engine import MigrationTarget
from chassis.database.revisions import Branch
from chassis.messaging.storage import postgresql as message_storage
from chassis.messaging.storage.postgresql import PostgresMessageStorage
from chassis.messaging.storage.postgresql.tables import history, outbox
from tests.sample.messaging.journal import JournalStatements
from tests.sample.messaging.storage.postgresql import tables
from tests.sample.storage import postgresql as sample
from tests.sample.storage.sql import SqlLabels, SqlParcels
from tests.support.tables import merged

__all__ = ["DatabaseSettings"]

BRANCHES = (
    Branch("sample", Path(sample.__file__).parent / "migrations", frozenset()),
    Branch("sample_messaging", Path(__file__).parent / "migrations", frozenset()),
    postgresql.MIGRATIONS,
    message_storage.MIGRATIONS,
)
JOURNAL = JournalStatements(
    last_version="SELECT COALESCE(MAX(version), 0) FROM journal WHERE aggregate = $1 AND aggregate_id = $2",
    insert="INSERT INTO journal (aggregate, aggregate_id, version) VALUES ($1, $2, $3)",
)
OUTBOX = outbox
RECORDS = [history, tables.journal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Everything that the sample stores."""

    database: PostgresDatabase
    messages: PostgresMessageStorage
    parcels: SqlParcels
    labels: SqlLabels


def create_storage(settings: DatabaseSettings, retries: Retries) -> Storage:
    """The adapters, not opened."""
    revisions = Revisions(branch.folder for branch in BRANCHES)
    database = PostgresDatabase(settings, "warehouse-service", retries, revisions)
    return Storage(
        database=database,
        messages=PostgresMessageStorage(database),
        parcels=sample.create_parcels(database),
        labels=SqlLabels(sample.STATEMENTS),
    )


def create_migrations(settings: DatabaseSettings) -> Migrations:
    """The schema: the sample's own tables and those of the chassis."""
    from tests.sample.storage.postgresql.tables import metadata

    return Migrations(MigrationTarget(settings), BRANCHES, merged(metadata, tables.metadata))


def create_engine(settings: DatabaseSettings) -> Engine:
    """To look into the tables beside the adapters."""
    return MigrationTarget(settings).engine()
