"""PostgreSQL makes every guarantee of the suites."""

from chassis.database.port import Database
from chassis.database.postgresql import PostgresDatabase
from chassis.domain import Store
from chassis.testing.audit import AuditConformance
from chassis.testing.database import IdempotencyConformance
from tests.sample.api import ParcelStore
from tests.sample.domain.parcels import Parcel
from tests.sample.storage.postgresql import create_parcels
from tests.sample.storage.sql import SqlParcels
from tests.support.bodies import BodyConformance
from tests.support.parcels import ParcelConformance, ParcelPagingConformance


def parcels(database: Database) -> SqlParcels:
    """The adapter."""
    assert isinstance(database, PostgresDatabase)
    return create_parcels(database)


class TestPostgresParcels(ParcelConformance):
    """A repository."""

    def store(self, database: Database) -> Store[Parcel]:
        """The adapter."""
        return parcels(database)


class TestPostgresPaging(ParcelPagingConformance):
    """Its pages."""

    def store(self, database: Database) -> Store[Parcel]:
        """The adapter."""
        return parcels(database)


class TestPostgresIdempotency(IdempotencyConformance):
    """Its idempotency keys."""


class TestPostgresAudit(AuditConformance):
    """Its audit log."""


class TestPostgresBodies(BodyConformance):
    """No body is a server error."""

    def parcels(self, database: Database) -> ParcelStore:
        """The adapter."""
        return parcels(database)
