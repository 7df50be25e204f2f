"""MySQL makes the guarantees of every database."""

from chassis.database.mysql import MysqlDatabase
from chassis.database.port import Database
from chassis.domain import Store
from chassis.testing.audit import AuditConformance
from chassis.testing.database import IdempotencyConformance
from tests.sample.api import ParcelStore
from tests.sample.domain.parcels import Parcel
from tests.sample.storage.mysql import create_parcels
from tests.support.bodies import BodyConformance
from tests.support.parcels import ParcelConformance, ParcelPagingConformance


class TestParcels(ParcelConformance):
    """The sample's repository."""

    def store(self, database: Database) -> Store[Parcel]:
        """The adapter."""
        assert isinstance(database, MysqlDatabase)
        return create_parcels(database)


class TestPaging(ParcelPagingConformance):
    """Its pages."""

    def store(self, database: Database) -> Store[Parcel]:
        """The adapter."""
        assert isinstance(database, MysqlDatabase)
        return create_parcels(database)


class TestIdempotency(IdempotencyConformance):
    """Its idempotency keys."""


class TestAudit(AuditConformance):
    """Its audit log."""


class TestBodies(BodyConformance):
    """No body is a server error."""

    def parcels(self, database: Database) -> ParcelStore:
        """The adapter."""
        assert isinstance(database, MysqlDatabase)
        return create_parcels(database)
