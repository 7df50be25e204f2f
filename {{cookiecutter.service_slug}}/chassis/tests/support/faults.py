"""The network between the service and its database server breaks in every way, and recovers."""

import asyncio
import random
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID

import pytest

from chassis.database.port import DatabaseTransaction, IdempotencyKey, SqlDatabase
from chassis.database.retries import Retries
from chassis.database.transactions import Transactions
from chassis.errors import KeyInUse, Unavailable
from chassis.testing.database import NOW
from chassis.testing.faults import FaultProxy
from tests.sample.domain.parcels import Parcel
from tests.sample.storage.sql import SqlParcels
from tests.support.parcels import new_parcel

# Time limits of 1.5 seconds, with room for a busy machine.
SOON_SECONDS = 10
COUNT = 400


LIMITS: dict[str, Any] = {
    "pool_size": 4,
    "connect_timeout_seconds": 1.5,
    "statement_timeout_seconds": 1.5,
    "lock_timeout_seconds": 1.5,
}


async def create(database: SqlDatabase, parcels: SqlParcels) -> Parcel:
    """Store a parcel, as a command does."""
    parcel = new_parcel()

    async def step(transaction: DatabaseTransaction) -> None:
        await parcels.within(transaction).add(parcel)

    await Transactions(database, Retries()).run(step)
    return parcel


@dataclass
class Load:
    """Clients that create, and repeat with the same key until they know, as a careful client does."""

    database: SqlDatabase
    parcels: SqlParcels
    acknowledged: dict[int, UUID] = field(default_factory=dict)
    refused: int = 0

    async def create(self, number: int) -> None:
        """One creation, repeated until it is acknowledged."""
        key = IdempotencyKey(f"load-{number}", b"digest")
        transactions = Transactions(self.database, Retries())

        async def step(transaction: DatabaseTransaction) -> UUID:
            if saved := await transaction.idempotency.claim(key):
                return UUID(bytes=saved)
            parcel = new_parcel(f"load-{number}")
            await self.parcels.within(transaction).add(parcel)
            await transaction.idempotency.save_response(key, parcel.id.bytes, NOW)
            return parcel.id

        while number not in self.acknowledged:
            try:
                self.acknowledged[number] = await transactions.run(step)
            except (Unavailable, KeyInUse):
                self.refused += 1
                await asyncio.sleep(0.02)


class FaultConformance(ABC):
    """Fixtures: `proxy`, before the server, and `database`, opened behind it with the time limits of `LIMITS`."""

    @abstractmethod
    def parcels(self, database: SqlDatabase) -> SqlParcels:
        """The sample's parcels."""

    @pytest.mark.parametrize("fault", ["refuse", "black_hole"])
    async def test_fails_fast_and_recovers(self, database: SqlDatabase, proxy: FaultProxy, fault: str) -> None:
        parcels = self.parcels(database)
        created = await create(database, parcels)
        getattr(proxy, fault)()
        began = monotonic()
        outcomes = await asyncio.gather(
            parcels.find(created.id), create(database, parcels), database.check(), return_exceptions=True
        )
        assert monotonic() - began < SOON_SECONDS
        assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
        proxy.restore()
        async with asyncio.timeout(SOON_SECONDS):
            while True:
                with suppress(Unavailable):
                    await database.check()
                    break
        assert await parcels.find(created.id) == created

    async def test_a_connection_lost_at_rest_is_replaced_unnoticed(
        self, database: SqlDatabase, proxy: FaultProxy
    ) -> None:
        parcels = self.parcels(database)
        created = await create(database, parcels)
        for _ in range(3):
            proxy.cut()
            assert await parcels.find(created.id) == created
            await create(database, parcels)

    async def test_latency_slows_but_breaks_nothing(self, database: SqlDatabase, proxy: FaultProxy) -> None:
        parcels = self.parcels(database)
        proxy.latency_seconds = 0.01
        await asyncio.gather(*(create(database, parcels) for _ in range(8)))

    async def test_nothing_acknowledged_is_lost_and_nothing_happens_twice(
        self, database: SqlDatabase, proxy: FaultProxy
    ) -> None:
        parcels = self.parcels(database)
        load = Load(database, parcels)
        chance = random.Random(7)  # noqa: S311 - the same faults in every run

        async def faults() -> None:
            for _ in range(12):
                await asyncio.sleep(0.1)
                chance.choice([proxy.cut, proxy.refuse, proxy.black_hole])()
                await asyncio.sleep(0.1)
                proxy.restore()

        async def client_from(first: int) -> None:
            for number in range(first, COUNT, 4):
                await load.create(number)

        async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
            tasks.create_task(faults())
            for first in range(4):
                tasks.create_task(client_from(first))

        stored = await parcels.page(None, None, COUNT + 1)
        assert len(stored) == COUNT
        assert {parcel.id for parcel in stored} == set(load.acknowledged.values())
        assert load.refused > 0, "no fault was met: the test proves nothing"
