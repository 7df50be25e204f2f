"""The service's subscriptions at the broker, before and after a run."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from ....messaging.port import Broker, Depth
from ...brokers import CONCURRENCY, RecordingHandler
from .service import ChaosService

SETTLE_SECONDS = 120
LIMIT = 10_000


@asynccontextmanager
async def _opened(service: ChaosService) -> AsyncIterator[Broker]:
    broker = service.create_broker()
    await broker.open()
    try:
        yield broker
    finally:
        await broker.close()


async def empty_queues(service: ChaosService) -> None:
    """Consume what an earlier run has left."""
    async with _opened(service) as broker, AsyncExitStack() as consuming:
        for each in service.subscriptions:
            await consuming.enter_async_context(broker.consuming(each, RecordingHandler(), CONCURRENCY))
            for letter in await broker.dead_letters(each, limit=LIMIT):
                await broker.replay(each, letter.id)
        await _until(service, broker, lambda depth: depth == Depth(waiting=0, dead=0))


async def dead_letters(service: ChaosService) -> int:
    """Wait until no message waits any more; returns how many were dead-lettered."""
    async with _opened(service) as broker:
        await _until(service, broker, lambda depth: depth.waiting == 0)
        return sum([len(await broker.dead_letters(each, limit=LIMIT)) for each in service.subscriptions])


async def _until(service: ChaosService, broker: Broker, condition: Callable[[Depth], bool]) -> None:
    async with asyncio.timeout(SETTLE_SECONDS):
        while not all([condition(await broker.depth(each)) for each in service.subscriptions]):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
