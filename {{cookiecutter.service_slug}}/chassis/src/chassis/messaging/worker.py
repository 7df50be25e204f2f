"""The relay, the consumers and their metrics: beside requests, or in a process of their own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry

from ..background import Backoff, in_background
from ..database.port import TransactionRunner
from ..errors import Unavailable
from ..identity import utc_now
from .consumption import Consumption
from .inbox.handlers import Subscriptions
from .inbox.metrics import ConsumerMetrics
from .inbox.processor import LONG_OUTAGE_SECONDS, Check, MessageProcessor
from .inbox.retry_policy import RetryPolicy
from .outbox.metrics import OutboxMetrics
from .outbox.port import Outbox
from .outbox.relay import Relay
from .port import Broker
from .settings import ConsumerSettings, OutboxSettings
from .storage.port import MessageStorage

SAMPLE_SECONDS = 5.0
COUNT_LIMIT = 100_000
RESTART = Backoff(first=0.5, longest=30)
# Uptime after which the failure count resets. Longer than the longest pause, so that what fails now and then is
# restarted at once, and what cannot work still ends up at the longest pause.
STABLE_SECONDS = 60
_log = structlog.stdlib.get_logger("worker")


@dataclass(frozen=True, slots=True)
class Worker:
    """Publishes and consumes inside the block of `running`."""

    broker: Broker
    outbox: Outbox
    relay: Relay
    consumers: Sequence[Consumption]
    outbox_metrics: OutboxMetrics
    consumer_metrics: ConsumerMetrics

    @asynccontextmanager
    async def running(self, grace_seconds: float) -> AsyncIterator[None]:
        """Publish and consume inside the block; then finish what is in flight.

        Args:
            grace_seconds: how long that may take. What is not finished then is published, or delivered, again.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(in_background(_restarted("metrics", self._sample)))
            tasks = [asyncio.create_task(_restarted("consumer", each.run)) for each in self.consumers]
            try:
                for each in self.consumers:
                    # Before the relay: a broker keeps an event only for subscriptions that it knows.
                    await each.subscribed()
                tasks.append(asyncio.create_task(_restarted("relay", self.relay.run)))
                _log.info("worker started", consumers=[each.processor.subscription.name for each in self.consumers])
                yield
            finally:
                await self._finish(tasks, grace_seconds)

    async def _finish(self, tasks: Sequence[asyncio.Task[None]], grace_seconds: float) -> None:
        self.relay.stop()
        for consumer in self.consumers:
            consumer.stop()
        try:
            async with asyncio.timeout(grace_seconds):
                await asyncio.gather(*tasks)
        except TimeoutError:
            _log.warning("worker did not finish in time", grace_seconds=grace_seconds)

    async def _sample(self) -> None:
        while True:
            with suppress(Unavailable):
                self.outbox_metrics.backlog(await self.outbox.backlog(COUNT_LIMIT))
            for consumer in self.consumers:
                with suppress(Unavailable):
                    subscription = consumer.processor.subscription
                    self.consumer_metrics.depth(subscription.name, await self.broker.depth(subscription))
            with suppress(Unavailable):
                if (unrouted := await self.broker.unrouted()) is not None:
                    self.consumer_metrics.unrouted(unrouted)
            await asyncio.sleep(SAMPLE_SECONDS)


def create_worker(
    *,
    outbox: OutboxSettings,
    consumer: ConsumerSettings,
    broker: Broker,
    storage: MessageStorage,
    subscriptions: Subscriptions,
    transactions: TransactionRunner,
    check: Check,
    outbox_metrics: OutboxMetrics,
    registry: CollectorRegistry,
    long_outage_seconds: float = LONG_OUTAGE_SECONDS,
) -> Worker:
    """A relay, and a processor for each subscription.

    Args:
        outbox: how events are published.
        consumer: how messages are consumed.
        broker: where events are published and consumed.
        storage: outbox and inbox.
        subscriptions: the handlers of each consumer.
        transactions: run the handlers; their own events are published in turn.
        check: raises Unavailable while the database is away.
        outbox_metrics: of the relay and of what waits.
        registry: receives the metrics of consumers.
        long_outage_seconds: how long messages are held while the database is away, before they are returned.
    """
    consumer_metrics = ConsumerMetrics(registry)
    policy = RetryPolicy(consumer.attempts, Backoff(consumer.backoff_seconds, consumer.backoff_max_seconds))
    processors = [
        MessageProcessor(
            name,
            handlers,
            transactions=transactions,
            inbox=storage.inbox,
            policy=policy,
            metrics=consumer_metrics,
            now=utc_now,
            check=check,
            long_outage_seconds=long_outage_seconds,
        )
        for name, handlers in subscriptions.items()
    ]
    return Worker(
        broker=broker,
        outbox=storage.outbox,
        relay=Relay(storage.outbox, broker, outbox_metrics, outbox.batch_size, utc_now),
        consumers=[Consumption(broker, processor, consumer.concurrency, check) for processor in processors],
        outbox_metrics=outbox_metrics,
        consumer_metrics=consumer_metrics,
    )


async def _restarted(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a task to its end; an error is logged, and the task restarts."""
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        started = loop.time()
        try:
            return await run()
        except Exception:
            failures = 1 if loop.time() - started > STABLE_SECONDS else failures + 1
            _log.exception("task failed; restarting", task=name)
            await asyncio.sleep(RESTART.after(failures))
