"""The network between the service and PostgreSQL breaks in every way, and recovers."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from chassis.database.port import SqlDatabase
from chassis.database.postgresql import PostgresDatabase
from chassis.testing.faults import FaultProxy, fault_proxy
from tests.sample.storage.postgresql import create_parcels
from tests.sample.storage.sql import SqlParcels
from tests.support.faults import LIMITS, FaultConformance

from .conftest import settings_of


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[FaultProxy]:
    """Before the real server, or before the pooler."""
    async with fault_proxy(settings_of(database_url).address, 5432) as started:
        yield started


@pytest.fixture
def closed_database(proxy: FaultProxy, database_url: str) -> PostgresDatabase:
    """Behind the proxy, with short time limits."""
    settings = settings_of(database_url, **LIMITS).model_copy(update={"url": SecretStr(proxy.url)})
    return PostgresDatabase(settings, "chassis-tests")


class TestFaults(FaultConformance):
    """Everything that a network can do."""

    def parcels(self, database: SqlDatabase) -> SqlParcels:
        """The adapter."""
        return create_parcels(database)
