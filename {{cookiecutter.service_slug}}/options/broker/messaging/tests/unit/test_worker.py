"""A worker that goes on after an error that nobody foresaw, and gives back what it holds when it ends."""

import asyncio
from collections.abc import Collection, Sequence

import pytest

from {{ cookiecutter.package_name }}.infrastructure.database.memory import MemoryDatabase
from {{ cookiecutter.package_name }}.infrastructure.database.memory_messages import MemoryMessageStore
from {{ cookiecutter.package_name }}.infrastructure.database.retrying import RetryingDatabase
from {{ cookiecutter.package_name }}.infrastructure.identity import new_id, utc_now
from {{ cookiecutter.package_name }}.infrastructure.messaging import worker as module
from {{ cookiecutter.package_name }}.infrastructure.messaging.backoff import Backoff
from {{ cookiecutter.package_name }}.infrastructure.messaging.consumer import (
    Consumer,
    Reaction,
    RetryPolicy,
)
from {{ cookiecutter.package_name }}.infrastructure.messaging.in_process import InProcessBroker
from {{ cookiecutter.package_name }}.infrastructure.messaging.metrics import (
    ConsumerMetrics,
    RelayMetrics,
)
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Depth, Message
from {{ cookiecutter.package_name }}.infrastructure.messaging.relay import Relay
from {{ cookiecutter.package_name }}.infrastructure.messaging.schemas import PREFIX
from {{ cookiecutter.package_name }}.infrastructure.messaging.subscriptions import HISTORY
from {{ cookiecutter.package_name }}.infrastructure.messaging.worker import Worker
from {{ cookiecutter.package_name }}.infrastructure.telemetry.metrics import create_registry

from ..deliveries import until, until_true
from ..outage import away
from ..pauses import Pauses
from .test_consumer import Anything, event

TYPE = f"{PREFIX}.created"
COUNT = 40
CONCURRENCY = 8


class SlowBroker(InProcessBroker):
    """Takes its time to confirm."""

    def __init__(self) -> None:
        super().__init__()
        self.busy = False

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """In a moment."""
        self.busy = True
        await asyncio.sleep(0.3)
        self.busy = False
        return await super().publish(messages)


async def test_what_is_held_during_an_outage_is_given_back_once_when_the_process_ends() -> None:
    database, broker, registry = MemoryDatabase(), SlowBroker(), create_registry()
    store = MemoryMessageStore(database)
    consumer = Consumer(
        HISTORY,
        {TYPE: Reaction(1, Anything, away)},
        RetryingDatabase(database, lambda: None),
        store,
        RetryPolicy(1, Backoff(first=0.01, longest=0.01)),
        ConsumerMetrics(registry),
        utc_now,
        away,
    )
    metrics = RelayMetrics(registry)
    relay = Relay(store, broker, metrics, COUNT, utc_now)
    worker = Worker(broker, store, relay, [consumer], CONCURRENCY, metrics, ConsumerMetrics(create_registry()))

    async def enqueue(*keys: str) -> None:
        async with database.begin() as work:
            body = event(new_id(), 1).body
            await store.within(work).enqueue([Message(f"id of {key}", TYPE, key, body) for key in keys])

    async def is_waiting() -> bool:
        return (await broker.depth(consumer.subscription)).waiting == COUNT

    async with worker.running(grace_seconds=10):
        await enqueue(*map(str, range(COUNT)))
        await until_true(is_waiting)
        await enqueue("one that is being published when the process is asked to end")
        await until(lambda: broker.busy)
    assert await broker.depth(consumer.subscription) == Depth(waiting=COUNT + 1, dead=0)
    labels = {"consumer": HISTORY, "outcome": "retried"}
    assert registry.get_sample_value("consumer_messages_total", labels) == CONCURRENCY


@pytest.mark.parametrize(
    ("stable_seconds", "failures"),
    [(3600, [1, 2, 3]), (-1, [1, 1, 1])],
    ids=["soon", "after a stable time"],
)
async def test_pauses_grow_only_with_failures_that_follow_soon(
    stable_seconds: float, failures: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = Pauses()
    monkeypatch.setattr(module, "RESTART", pauses)
    monkeypatch.setattr(module, "STABLE_SECONDS", stable_seconds)

    async def run() -> None:
        if len(pauses.failures) < 3:
            raise RuntimeError("permission denied")

    await module._kept_up("relay", run)
    assert pauses.failures == failures
