"""The database accepts no changes while events arrive: they wait, and all of them are applied afterwards."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from chassis.identity import new_id, utc_now
from chassis.messaging.contracts.serializer import EventSerializer
from chassis.messaging.port import Broker
from chassis.testing.messaging.chaos import ChaosService, Fleet, Ledger
from chassis.testing.messaging.chaos.load import writing
from chassis.testing.messaging.chaos.run import acknowledged, conclude, drained, prepared_fleet
from tests.messaging.chaos.observers import database_is_up, readiness, until_ready_as
from tests.sample.domain.parcels import Parcel
from tests.support.parcels import new_parcel

PARCELS = 60  # more than all consumers of a process handle at once
READ_ONLY = (200, "degraded", "the server is read-only")


async def read_only_run(service: ChaosService, seconds: float, set_read_only: Callable[[bool], object]) -> None:
    """Make the database read-only for some time, while events arrive from the broker and others wait in the outbox."""
    async with prepared_fleet(service, workers=1) as fleet, broker_of(service) as broker:
        async with writing(fleet.api.url, service.lives) as ledger:
            await acknowledged(ledger, 100)
        await asyncio.to_thread(set_read_only, True)
        await is_reported(fleet)
        await publish_for(seconds, broker, ledger, fleet)
        assert await dead_letters(service, broker) == 0
        assert (await asyncio.to_thread(service.records.verdict, ledger.versions)).lost > 0
        await asyncio.to_thread(set_read_only, False)
        for process in fleet.processes:
            await until_ready_as(process, "ready")
            assert await database_is_up(process)
        await drained(service, ledger)
        report = await conclude(service, fleet, ledger, Counter({"read-only": 1}))
    assert report.is_clean, str(report)


async def is_reported(fleet: Fleet) -> None:
    """Readiness of each process is `degraded`, and its metric is what the alert fires on."""
    for process in fleet.processes:
        await until_ready_as(process, "degraded")
        assert await readiness(process) == READ_ONLY
        assert not await database_is_up(process)


async def publish_for(seconds: float, broker: Broker, ledger: Ledger, fleet: Fleet) -> None:
    """Events of parcels arrive, spread over the time; what is reported stays the same."""
    serializer = serializer_of_the_sample()
    for number in range(PARCELS):
        parcel = new_parcel()
        parcel.confirm(at=utc_now())
        for event in parcel.take_events():
            messages = serializer(event)
            assert set(await broker.publish(messages)) == {message.id for message in messages}
        ledger.versions[Parcel.noun, parcel.id] = parcel.version
        await asyncio.sleep(seconds / PARCELS)
        if not number % 20:
            await is_reported(fleet)


async def dead_letters(service: ChaosService, broker: Broker) -> int:
    """How many messages were given up so far."""
    return sum([(await broker.depth(each)).dead for each in service.subscriptions])


def serializer_of_the_sample() -> EventSerializer:
    """Makes the messages that the sample publishes."""
    from tests.sample.messaging.contracts import CATALOG

    return EventSerializer(CATALOG, new_id)


@asynccontextmanager
async def broker_of(service: ChaosService) -> AsyncIterator[Broker]:
    """The broker, as another service connects to it."""
    broker = service.create_broker()
    await broker.open()
    try:
        yield broker
    finally:
        await broker.close()
