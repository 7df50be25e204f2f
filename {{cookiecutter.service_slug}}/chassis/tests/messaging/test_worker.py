"""A worker survives unexpected errors, and returns the messages it holds when it stops."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from chassis.background import Backoff
from chassis.database.memory import MemoryDatabase
from chassis.database.retries import Retries
from chassis.database.transactions import Transactions
from chassis.errors import Unavailable
from chassis.identity import new_id
from chassis.messaging import consumption as consumption_module
from chassis.messaging import worker as module
from chassis.messaging.brokers.in_process import InProcessBroker
from chassis.messaging.contracts import Envelope
from chassis.messaging.history import history_handlers
from chassis.messaging.inbox import HandlerContext, Subscriptions
from chassis.messaging.inbox import processor as processor_module
from chassis.messaging.inbox.processor import LONG_OUTAGE_SECONDS, Check
from chassis.messaging.inbox.retry_policy import FOLLOWERS_PATIENCE, PATIENCE
from chassis.messaging.outbox import OutboxMetrics
from chassis.messaging.port import Broker, Depth, Handler, Message, Subscription, noop
from chassis.messaging.settings import ConsumerSettings, OutboxSettings
from chassis.messaging.storage.memory import MemoryMessageStorage
from chassis.messaging.worker import Worker, create_worker
from chassis.testing.brokers import eventually, eventually_true, has_dead
from chassis.testing.failures import RecordingBackoff, database_unavailable
from tests.messaging.inbox.deliveries import CHANNEL, CONSUMER, delivery_of, handlers
from tests.sample.messaging.contracts import CATALOG
from tests.support.logs import log_output, logged

TYPE = f"{CHANNEL}.created"
COUNT = 40
OUTAGES = 12
CONCURRENCY = 8


def create(
    database: MemoryDatabase,
    storage: MemoryMessageStorage,
    broker: Broker,
    subscriptions: Subscriptions,
    *,
    registry: CollectorRegistry | None = None,
    check: Check | None = None,
    long_outage_seconds: float = LONG_OUTAGE_SECONDS,
) -> Worker:
    """A worker that tries each message once."""
    registry = registry or CollectorRegistry()
    return create_worker(
        outbox=OutboxSettings(),
        consumer=ConsumerSettings(concurrency=CONCURRENCY, attempts=1, backoff_seconds=0.01, backoff_max_seconds=0.01),
        broker=broker,
        storage=storage,
        subscriptions=subscriptions,
        transactions=Transactions(database, Retries()),
        check=check or database.check,
        outbox_metrics=OutboxMetrics(registry),
        registry=registry,
        long_outage_seconds=long_outage_seconds,
    )


class OftenLeftBroker(InProcessBroker):
    """Counts how often its subscription was left."""

    left = 0
    is_consumed = False

    @asynccontextmanager
    async def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        on_stopping: Callable[[], None] = noop,
    ) -> AsyncIterator[None]:
        """Deliver."""
        self.is_consumed = True
        async with super().consuming(subscription, handle, concurrency, on_stopping):
            yield
        self.is_consumed = False
        self.left += 1


class SlowBroker(InProcessBroker):
    """Takes a moment to confirm."""

    def __init__(self) -> None:
        super().__init__()
        self.is_publishing = False

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Publish slowly."""
        self.is_publishing = True
        await asyncio.sleep(0.3)
        self.is_publishing = False
        return await super().publish(messages)


async def test_messages_held_during_an_outage_are_returned_once_when_the_process_stops() -> None:
    database, broker, registry = MemoryDatabase(), SlowBroker(), CollectorRegistry()
    storage, subscription = MemoryMessageStorage(database), Subscription(CONSUMER, [TYPE])
    subscriptions = {CONSUMER: handlers(database_unavailable)}
    worker = create(database, storage, broker, subscriptions, registry=registry, check=database_unavailable)

    async def enqueue(*keys: str) -> None:
        async with database.begin() as transaction:
            body = delivery_of(new_id(), 1).body
            await storage.outbox.enqueue(transaction, [Message(f"id of {key}", TYPE, key, body) for key in keys])

    async def is_waiting() -> bool:
        return (await broker.depth(subscription)).waiting == COUNT

    async with worker.running(grace_seconds=10):
        await enqueue(*map(str, range(COUNT)))
        await eventually_true(is_waiting)
        await enqueue("in flight while the process is asked to stop")
        await eventually(lambda: broker.is_publishing)
    assert await broker.depth(subscription) == Depth(waiting=COUNT + 1, dead=0)
    labels = {"consumer": CONSUMER, "outcome": "retried"}
    assert registry.get_sample_value("consumer_messages_total", labels) == CONCURRENCY


async def test_a_subscription_is_left_during_a_long_outage_and_taken_again_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processor_module, "OUTAGE", Backoff(first=0.01, longest=0.01))
    monkeypatch.setattr(consumption_module, "OUTAGE", Backoff(first=0.01, longest=0.01))
    database, broker, available = MemoryDatabase(), InProcessBroker(), asyncio.Event()
    storage, subscription = MemoryMessageStorage(database), Subscription(CONSUMER, [TYPE])
    handled: list[str] = []

    async def check() -> None:
        if not available.is_set():
            await database_unavailable()

    async def handle(_: HandlerContext, envelope: Envelope) -> None:
        await check()
        handled.append(envelope.id)

    worker = create(database, storage, broker, {CONSUMER: handlers(handle)}, check=check, long_outage_seconds=0.01)
    with log_output() as log:
        async with worker.running(grace_seconds=10):
            ids = [str(new_id()) for _ in range(COUNT)]
            await broker.publish([Message(id, TYPE, id, delivery_of(new_id(), 1, id=id).body) for id in ids])
            await eventually(lambda: "consumer paused" in log.getvalue())
            assert await broker.depth(subscription) == Depth(waiting=COUNT, dead=0)
            available.set()
            await eventually(lambda: len(handled) == COUNT)
        assert await broker.depth(subscription) == Depth(waiting=0, dead=0)
    assert "consumer resumed" in log.getvalue()


async def test_many_long_outages_in_a_row_bury_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor_module, "OUTAGE", Backoff(first=0.01, longest=0.01))
    database, broker = MemoryDatabase(), OftenLeftBroker()
    storage, subscription = MemoryMessageStorage(database), Subscription(CONSUMER, [TYPE])
    handled: list[str] = []

    async def check() -> None:
        if broker.is_consumed and broker.left < OUTAGES:
            await database_unavailable()

    async def handle(_: HandlerContext, envelope: Envelope) -> None:
        await check()
        handled.append(envelope.id)

    worker = create(database, storage, broker, {CONSUMER: handlers(handle)}, check=check, long_outage_seconds=0.01)
    async with worker.running(grace_seconds=10):
        id = str(new_id())
        await broker.publish([Message(id, TYPE, id, delivery_of(new_id(), 1, id=id).body)])
        await eventually(lambda: handled == [id])
    assert broker.left > OUTAGES > PATIENCE
    assert await broker.depth(subscription) == Depth(waiting=0, dead=0)


class SelectiveBroker(InProcessBroker):
    """Keeps events without subscriptions aside."""

    async def unrouted(self) -> int:  # type: ignore[override]
        """Three of them."""
        return 3


@pytest.mark.parametrize(("broker", "count"), [(SelectiveBroker(), 3), (InProcessBroker(), None)])
async def test_events_without_subscription_are_counted_where_the_broker_keeps_them_aside(
    broker: InProcessBroker, count: int | None
) -> None:
    database, registry = MemoryDatabase(), CollectorRegistry()
    storage = MemoryMessageStorage(database)
    worker = create(database, storage, broker, {CONSUMER: handlers(database_unavailable)}, registry=registry)
    async with worker.running(grace_seconds=10):
        await eventually(lambda: registry.get_sample_value("consumer_waiting", {"consumer": CONSUMER}) is not None)
        await eventually(lambda: registry.get_sample_value("broker_unrouted_events") == count)


class TroubledBroker(InProcessBroker):
    """Is away at first, then fails, then works; in the end it does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.troubles = iter([Unavailable("broker", "cannot be reached"), ZeroDivisionError("a mistake")])
        self.hangs: asyncio.Event | None = None

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Publish, if there is no trouble."""
        if trouble := next(self.troubles, None):
            raise trouble
        if self.hangs:
            self.hangs.set()
            await asyncio.Event().wait()
        return await super().publish(messages)


async def test_logs_what_happens_to_messages_and_names_their_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTART", RecordingBackoff())
    monkeypatch.setattr(processor_module, "OUT_OF_ORDER_PAUSES_SECONDS", ())
    database, broker, id, early_id = MemoryDatabase(), TroubledBroker(), new_id(), str(new_id())
    storage, subscription = MemoryMessageStorage(database), Subscription(CONSUMER, [])
    worker = create(database, storage, broker, {CONSUMER: history_handlers(CATALOG, storage.history)})

    async def enqueue(version: int, action: str, id_of_message: str) -> None:
        body = delivery_of(id, version, action, id=str(new_id())).body
        async with database.begin() as transaction:
            await storage.outbox.enqueue(transaction, [Message(id_of_message, f"{CHANNEL}.{action}", "key", body)])

    async def is_recorded() -> bool:
        return bool(await storage.history.entries("parcel", id, 0, 1))

    with logged("debug") as lines:
        async with worker.running(grace_seconds=0):
            await enqueue(1, "created", "1")
            await eventually_true(is_recorded)
            early = delivery_of(id, 3, "confirmed", correlationid="call-7", id=early_id).body
            await broker.publish([Message("2", f"{CHANNEL}.confirmed", "key", early)])
            await eventually_true(lambda: has_dead(broker, subscription, 1))
            broker.hangs = asyncio.Event()
            await enqueue(2, "confirmed", "3")
            await broker.hangs.wait()
    assert {line["event"] for line in lines} >= {
        "worker started",
        "events not published",
        "task failed; restarting",
        "events published",
        "message handled",
        "message will be retried",
        "message dead-lettered",
        "worker did not finish in time",
    }
    about_it = [line for line in lines if line.get("event_id") == early_id]
    retries = ["message will be retried"] * (FOLLOWERS_PATIENCE - 1)
    assert [line["event"] for line in about_it] == [*retries, "message dead-lettered"]
    assert {(line["correlation_id"], line["consumer"], line["event_type"]) for line in about_it} == {
        ("call-7", CONSUMER, f"{CHANNEL}.confirmed")
    }


@pytest.mark.parametrize(
    ("stable_seconds", "failures"),
    [(3600, [1, 2, 3]), (-1, [1, 1, 1])],
    ids=["soon", "after a stable time"],
)
async def test_pauses_grow_only_if_failures_follow_soon(
    stable_seconds: float, failures: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    backoff = RecordingBackoff()
    monkeypatch.setattr(module, "RESTART", backoff)
    monkeypatch.setattr(module, "STABLE_SECONDS", stable_seconds)

    async def run() -> None:
        if len(backoff.failures) < 3:
            raise RuntimeError("permission denied")

    await module._restarted("relay", run)
    assert backoff.failures == failures
