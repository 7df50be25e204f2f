"""The network between the service and MySQL breaks in every way, and recovers."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from chassis.database.mysql import DatabaseSettings, MysqlDatabase
from chassis.database.port import SqlDatabase
from chassis.testing.faults import FaultProxy, fault_proxy
from chassis.testing.mysql import DEFAULT_PORT
from tests.sample.storage.mysql import create_parcels
from tests.sample.storage.sql import SqlParcels
from tests.support.faults import LIMITS, FaultConformance


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[FaultProxy]:
    """Before the real server."""
    async with fault_proxy(database_url, DEFAULT_PORT) as started:
        yield started


@pytest.fixture
def closed_database(proxy: FaultProxy) -> MysqlDatabase:
    """Behind the proxy, with short time limits."""
    return MysqlDatabase(DatabaseSettings(url=SecretStr(proxy.url), **LIMITS), "chassis-tests")


class TestFaults(FaultConformance):
    """Everything that a network can do."""

    def parcels(self, database: SqlDatabase) -> SqlParcels:
        """The adapter."""
        return create_parcels(database)
