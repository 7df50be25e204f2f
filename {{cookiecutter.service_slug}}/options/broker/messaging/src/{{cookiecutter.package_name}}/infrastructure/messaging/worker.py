"""Everything that runs beside requests, or in a process of its own: relay, consumers, figures, forgetting."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry

from ...config import Settings
from ...domain.errors import Unavailable
from ...domain.ports import Transactions
from ..background import in_background
from ..identity import utc_now
from .backoff import Backoff
from .consumer import Check, Consumer, RetryPolicy
from .metrics import ConsumerMetrics, RelayMetrics
from .port import Broker
from .relay import Relay
from .store import MessageStore
from .subscriptions import subscriptions

SAMPLE_SECONDS = 5.0
COUNT_LIMIT = 100_000
RESTART = Backoff(first=0.5, longest=30)
# What ran that long before it failed is a new incident. Longer than the longest pause, so that what fails now and then
# is restarted at once, and what cannot work still ends up at the longest pause.
STABLE_SECONDS = 60
_log = structlog.stdlib.get_logger("worker")


@dataclass(frozen=True, slots=True)
class Worker:
    """Works as long as `running` lasts."""

    broker: Broker
    store: MessageStore
    relay: Relay
    consumers: Sequence[Consumer]
    concurrency: int
    relay_metrics: RelayMetrics
    consumer_metrics: ConsumerMetrics

    @asynccontextmanager
    async def running(self, grace_seconds: float) -> AsyncIterator[None]:
        """Publish and take in as long as the block lasts; then finish what is at hand.

        Args:
            grace_seconds: how long that may take. What is not finished then is published, or comes, again.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(in_background(_kept_up("figures", self._sample)))
            for consumer in self.consumers:
                # Before the relay: a broker keeps an event only for those that it knows.
                consuming = self.broker.consuming(consumer.subscription, consumer, self.concurrency, consumer.stop)
                await stack.enter_async_context(consuming)
            relaying = asyncio.create_task(_kept_up("relay", self.relay.run))
            _log.info("working", consumers=[consumer.subscription.name for consumer in self.consumers])
            try:
                yield
            finally:
                await self._finish(stack, relaying, grace_seconds)

    async def _finish(self, stack: AsyncExitStack, relaying: asyncio.Task[None], grace_seconds: float) -> None:
        self.relay.stop()
        try:
            async with asyncio.timeout(grace_seconds):
                await stack.aclose()
                await relaying
        except TimeoutError:
            _log.warning("did not finish in time", grace_seconds=grace_seconds)

    async def _sample(self) -> None:
        while True:
            with suppress(Unavailable):
                self.relay_metrics.backlog(await self.store.backlog(COUNT_LIMIT))
            for consumer in self.consumers:
                with suppress(Unavailable):
                    name = consumer.subscription.name
                    self.consumer_metrics.depth(name, await self.broker.depth(consumer.subscription))
            await asyncio.sleep(SAMPLE_SECONDS)


def create_worker(
    settings: Settings,
    transactions: Transactions,
    store: MessageStore,
    broker: Broker,
    relay_metrics: RelayMetrics,
    registry: CollectorRegistry,
    check: Check,
) -> Worker:
    """A relay, and a consumer for each subscription.

    Args:
        settings: how much at once, how often, how long.
        transactions: where effects happen.
        store: outbox and inbox.
        broker: where events go and come from.
        relay_metrics: the figures of the outbox, which others add to.
        registry: takes the figures of consumers.
        check: raises Unavailable while the database is away.
    """
    consumer_metrics = ConsumerMetrics(registry)
    backoff = Backoff(settings.consumer.backoff_seconds, settings.consumer.backoff_max_seconds)
    policy = RetryPolicy(settings.consumer.attempts, backoff)
    return Worker(
        broker=broker,
        store=store,
        relay=Relay(store, broker, relay_metrics, settings.outbox.batch_size, utc_now),
        consumers=[
            Consumer(name, reactions, transactions, store, policy, consumer_metrics, utc_now, check)
            for name, reactions in subscriptions().items()
        ],
        concurrency=settings.consumer.concurrency,
        relay_metrics=relay_metrics,
        consumer_metrics=consumer_metrics,
    )


async def _kept_up(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run it to its end; an error in it is told, and it runs again."""
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        started = loop.time()
        try:
            return await run()
        except Exception:
            failures = 1 if loop.time() - started > STABLE_SECONDS else failures + 1
            _log.exception("broke off and will run again", task=name)
            await asyncio.sleep(RESTART.after(failures))
