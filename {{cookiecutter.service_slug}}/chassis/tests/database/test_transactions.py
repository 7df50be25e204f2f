"""Interrupted transactions run again, within bounds, and observers hear of each commit once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from chassis.audit.port import AuditQuery
from chassis.database.memory import MemoryDatabase, MemoryTransaction
from chassis.database.metrics import PoolCollector, RetryMetrics
from chassis.database.port import DatabaseTransaction
from chassis.database.retries import ATTEMPTS, Retries
from chassis.database.transactions import Transactions
from chassis.domain import DomainEvent
from chassis.errors import Interrupted, Unavailable
from tests.sample.domain.parcels import Parcel
from tests.sample.storage.memory import MemoryParcels
from tests.support.logs import logged
from tests.support.parcels import new_parcel


class InterruptingDatabase(MemoryDatabase):
    """Interrupts a number of transactions just before their commit."""

    def __init__(self, interruptions: int) -> None:
        super().__init__()
        self.interruptions = interruptions

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryTransaction]:
        async with super().begin() as transaction:
            yield transaction
            self.interruptions -= 1
            if self.interruptions >= 0:
                raise Interrupted("database", "deadlock")


class Application:
    """Transactions on a database, and what was observed."""

    def __init__(self, database: MemoryDatabase) -> None:
        self.registry = CollectorRegistry()
        self.observed: list[Sequence[DomainEvent]] = []
        self.parcels = MemoryParcels(database)
        self.transactions = Transactions(database, Retries(RetryMetrics(self.registry)), self.observed.append)

    async def create(self) -> Parcel:
        """Store a parcel."""

        async def step(transaction: DatabaseTransaction) -> Parcel:
            parcel = new_parcel()
            await self.parcels.within(transaction).add(parcel)
            return parcel

        return await self.transactions.run(step)


@pytest.mark.parametrize("interruptions", [0, 1, ATTEMPTS])
async def test_runs_an_interrupted_step_again(interruptions: int) -> None:
    application = Application(InterruptingDatabase(interruptions))
    created = await application.create()
    assert await application.parcels.find(created.id) == created
    assert [[event.action for event in events] for events in application.observed] == [["created"]]
    assert application.registry.get_sample_value("database_retries_total") == interruptions


@pytest.mark.parametrize("interruptions", [0, 1, ATTEMPTS])
async def test_an_event_is_in_the_audit_log_once_however_often_its_step_ran(interruptions: int) -> None:
    database = InterruptingDatabase(interruptions)
    application = Application(database)
    with logged() as lines:
        created = await application.create()
    [entry] = await database.find_audit_entries(AuditQuery(limit=10))
    assert (entry.action, entry.entity_id, entry.entity_version) == ("created", str(created.id), 1)
    assert [line["entry_id"] for line in lines if line["event"] == "audit"] == [str(entry.id)]


async def test_what_was_not_stored_is_not_in_the_audit_log() -> None:
    database = InterruptingDatabase(1_000)
    with logged() as lines, pytest.raises(Interrupted):
        await Application(database).create()
    assert await database.find_audit_entries(AuditQuery(limit=10)) == []
    assert "audit" not in {line["event"] for line in lines}


async def test_gives_up_after_a_bound_and_stores_nothing() -> None:
    database = InterruptingDatabase(1_000)
    application = Application(database)
    with pytest.raises(Interrupted):
        await application.create()
    assert database.interruptions == 1_000 - 1 - ATTEMPTS
    assert not database.stored(Parcel)
    assert application.observed == []


async def test_does_not_retry_an_outage_during_a_commit() -> None:
    retries: list[None] = []

    async def attempt() -> None:
        raise Unavailable("database", "cannot be reached")

    with pytest.raises(Unavailable):
        await Retries(lambda: retries.append(None)).run(attempt)
    assert retries == []


async def test_a_transaction_without_events_is_not_observed() -> None:
    application = Application(MemoryDatabase())

    async def step(transaction: DatabaseTransaction) -> int:
        return len(transaction.events)

    assert await application.transactions.run(step) == 0
    assert application.observed == []


def test_counts_connections_at_each_scrape() -> None:
    registry = CollectorRegistry()
    registry.register(PoolCollector(MemoryDatabase().usage))
    assert registry.get_sample_value("database_pool_connections", {"state": "in_use"}) == 0
    assert registry.get_sample_value("database_pool_limit") == 0
