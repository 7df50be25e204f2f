"""What a processor does with each kind of message, on a database in memory."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest

from chassis.background import Backoff
from chassis.database.memory import MemoryDatabase
from chassis.errors import ReadOnly, Unavailable
from chassis.identity import new_id
from chassis.messaging.contracts import Envelope
from chassis.messaging.correlation import current_correlation
from chassis.messaging.history import HistoryEntry, history_handlers
from chassis.messaging.inbox import IGNORED, HandlerContext, MessageProcessor
from chassis.messaging.inbox import processor as module
from chassis.messaging.inbox.processor import Check
from chassis.messaging.inbox.retry_policy import FOLLOWERS_PATIENCE, PATIENCE
from chassis.messaging.port import Dead, Delivery, Done, Retry, Return, Verdict
from chassis.messaging.storage.memory import MemoryMessageStorage
from chassis.testing.failures import database_unavailable
from tests.messaging.inbox.deliveries import ATTEMPTS, CHANNEL, Handle, create_processor, delivery_of, handlers
from tests.sample.messaging.contracts import CATALOG

Create = Callable[..., MessageProcessor]


@pytest.fixture
def database() -> MemoryDatabase:
    """An empty database."""
    return MemoryDatabase()


@pytest.fixture
def storage(database: MemoryDatabase) -> MemoryMessageStorage:
    """Its inbox and history."""
    return MemoryMessageStorage(database)


@pytest.fixture
def create(database: MemoryDatabase, storage: MemoryMessageStorage) -> Create:
    """Creates a processor, by default of the history."""

    def run(handle: Handle | None = None, check: Check | None = None) -> MessageProcessor:
        chosen = history_handlers(CATALOG, storage.history) if handle is None else handlers(handle)
        return create_processor(database, storage, chosen, check=check)

    return run


async def recorded(storage: MemoryMessageStorage, id: UUID) -> list[HistoryEntry]:
    """The history of a parcel."""
    return list(await storage.history.entries("parcel", id, 0, 10))


async def test_an_event_has_its_effect_once_however_often_it_is_delivered(
    create: Create, storage: MemoryMessageStorage
) -> None:
    processor, id = create(), new_id()
    delivery = delivery_of(id, 1)
    assert {type(verdict) for verdict in await asyncio.gather(*(processor(delivery) for _ in range(5)))} == {Done}
    assert await processor(delivery) == Done()
    assert [entry.version for entry in await recorded(storage, id)] == [1]


async def test_an_effect_that_would_add_up_happens_once(create: Create) -> None:
    effects = []

    async def count(context: HandlerContext, envelope: Envelope) -> None:
        del context
        effects.append(envelope.id)

    processor, delivery, other = create(count), delivery_of(new_id(), 1), delivery_of(new_id(), 1)
    for each in (delivery, delivery, other, delivery):
        assert await processor(each) == Done()
    assert len(effects) == 2


async def test_an_event_waits_for_the_one_that_precedes_it(create: Create, storage: MemoryMessageStorage) -> None:
    processor, id = create(), new_id()
    first, second = delivery_of(id, 1), delivery_of(id, 2, "confirmed")
    verdict = await processor(second)
    assert isinstance(verdict, Retry)
    assert verdict.reason == "version 2 arrived while the last known version is 0"
    assert await processor(first) == Done()
    assert await processor(second) == Done()
    assert [entry.version for entry in await recorded(storage, id)] == [1, 2]


async def test_an_event_whose_predecessor_never_arrives_is_dead_lettered_in_the_end(create: Create) -> None:
    delivery = delivery_of(new_id(), 2, "confirmed")
    last = Delivery(delivery.body, attempt=ATTEMPTS * FOLLOWERS_PATIENCE)
    # It may be of a type that only a newer release knows, which is retried for long.
    assert isinstance(await create()(Delivery(delivery.body, attempt=ATTEMPTS * PATIENCE)), Retry)
    assert isinstance(await create()(last), Dead)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not a CloudEvent: body: "),
        (b"\xff\xfe", "not a CloudEvent: body: "),
        (b'{"specversion": "0.3"}', "not a CloudEvent: specversion: "),
        (delivery_of(new_id(), 1, data={"id": "x"}).body, f"{CHANNEL}.created: id: "),
        (delivery_of(new_id(), 1, time=None).body, "subject, aggregateversion and time are needed for the history"),
        (delivery_of(new_id(), 1, subject="seven").body, "id and subject must be UUIDs for the history"),
        (
            delivery_of(new_id(), 1, dataschema=f"urn:event-schema:{CHANNEL}.created:2.0").body,
            f"{CHANNEL}.created: major version 2 received, 1 is understood",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "body",  # bodies have ids that differ in each process
)
async def test_a_message_that_can_never_be_handled_is_dead_lettered_at_once(
    create: Create, body: bytes, reason: str
) -> None:
    verdict = await create()(Delivery(body))
    assert isinstance(verdict, Dead)
    assert verdict.reason.startswith(reason)


async def test_a_type_that_only_a_newer_release_knows_is_handed_back_and_in_the_end_dead_lettered(
    create: Create,
) -> None:
    processor, body = create(), delivery_of(new_id(), 1, "shipped").body
    for attempt in range(1, ATTEMPTS * PATIENCE):
        assert isinstance(await processor(Delivery(body, attempt=attempt)), Retry)
    verdict = await processor(Delivery(body, attempt=ATTEMPTS * PATIENCE))
    assert verdict == Dead(f"{CHANNEL}.shipped: unknown to this release")


@pytest.mark.parametrize("ignored", [f"{CHANNEL}.shipped", f"{CHANNEL}.*"])
async def test_what_is_declared_to_be_ignored_is_neither_subscribed_nor_retried(
    database: MemoryDatabase, storage: MemoryMessageStorage, ignored: str
) -> None:
    handlers = history_handlers(CATALOG, storage.history)
    processor = create_processor(database, storage, {**handlers, ignored: IGNORED})
    assert await processor(delivery_of(new_id(), 1, "shipped")) == Done()
    assert list(processor.subscription.types) == list(handlers)


async def test_newer_minor_versions_are_handled(create: Create, storage: MemoryMessageStorage) -> None:
    processor, id = create(), new_id()
    newer = delivery_of(
        id,
        1,
        dataschema=f"urn:event-schema:{CHANNEL}.created:1.7",
        data={"id": str(id), "reference": "A", "quantity": 1, "color": "red"},
        newattribute="x",
    )
    assert await processor(newer) == Done()
    [entry] = await recorded(storage, id)
    assert entry.data["color"] == "red"


async def test_a_failing_message_is_retried_and_then_dead_lettered_with_the_reason(create: Create) -> None:
    async def fail(context: HandlerContext, envelope: Envelope) -> None:
        del context, envelope
        raise ZeroDivisionError("no such thing")

    processor, delivery = create(fail), delivery_of(new_id(), 1)
    for attempt in range(1, ATTEMPTS):
        verdict = await processor(Delivery(delivery.body, attempt=attempt))
        assert isinstance(verdict, Retry)
        assert 0.05 * 2 ** (attempt - 1) <= verdict.after_seconds <= 0.1 * 2 ** (attempt - 1)
    assert await processor(Delivery(delivery.body, attempt=ATTEMPTS)) == Dead("ZeroDivisionError: no such thing")


async def test_a_failed_effect_leaves_nothing_behind(create: Create, database: MemoryDatabase) -> None:
    failures = iter([True, False])

    async def fail_once(context: HandlerContext, envelope: Envelope) -> None:
        del context, envelope
        if next(failures):
            raise ValueError

    processor, delivery = create(fail_once), delivery_of(new_id(), 1)
    assert isinstance(await processor(delivery), Retry)
    assert database.held == set()
    assert await processor(delivery) == Done()


async def test_messages_are_held_while_the_database_is_away_and_use_up_no_attempt(
    create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OUTAGE", Backoff(first=0.001, longest=0.001))
    calls = 0

    async def recover(context: HandlerContext, envelope: Envelope) -> None:
        nonlocal calls
        calls += 1
        if calls <= ATTEMPTS * 5:
            await database_unavailable(context, envelope)

    processor = create(recover, database_unavailable)
    assert await processor(Delivery(delivery_of(new_id(), 1).body, attempt=ATTEMPTS)) == Done()


@pytest.mark.parametrize(
    "error", [ReadOnly("database"), Unavailable("database", "the disk is full", is_outage=True)], ids=str
)
async def test_messages_are_held_while_the_database_answers_queries_and_accepts_no_change(
    create: Create, monkeypatch: pytest.MonkeyPatch, error: Unavailable
) -> None:
    monkeypatch.setattr(module, "OUTAGE", Backoff(first=0.001, longest=0.001))
    failures = iter([error] * ATTEMPTS * 5)

    async def recover(_: HandlerContext, __: Envelope) -> None:
        if failure := next(failures, None):
            raise failure

    assert await create(recover)(Delivery(delivery_of(new_id(), 1).body, attempt=ATTEMPTS)) == Done()


async def test_messages_are_held_where_one_after_the_other_fails_and_none_succeeds(
    create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OUTAGE", Backoff(first=0.001, longest=0.001))
    available = asyncio.Event()

    async def overburden(_: HandlerContext, __: Envelope) -> None:
        if not available.is_set():
            raise Unavailable("database", "statement took too long", is_outage=False)

    processor = create(overburden)
    bodies = [delivery_of(new_id(), 1).body for _ in range(module.FAILING_MESSAGES)]
    verdicts = [await processor(Delivery(body, attempt=ATTEMPTS)) for body in bodies[:-1]]
    assert {type(verdict) for verdict in verdicts} == {Dead}
    held = asyncio.create_task(processor(Delivery(bodies[-1], attempt=ATTEMPTS)))
    assert await asyncio.wait({held}, timeout=0.1) == (set(), {held})
    available.set()
    assert await held == Done()


async def test_a_message_that_overburdens_an_available_database_uses_up_its_attempts(create: Create) -> None:
    processor, body = create(database_unavailable), delivery_of(new_id(), 1).body
    assert isinstance(await processor(Delivery(body, attempt=1)), Retry)
    assert isinstance(await processor(Delivery(body, attempt=ATTEMPTS)), Dead)


async def test_held_messages_are_returned_when_the_process_stops(create: Create) -> None:
    processor = create(database_unavailable, database_unavailable)
    handling = asyncio.create_task(processor(delivery_of(new_id(), 1)))
    await asyncio.sleep(0.01)
    processor.stop()
    assert await handling == Return("the consumer is stopping")


async def test_a_second_outage_is_as_long_as_itself_although_no_message_succeeded_after_the_first(
    database: MemoryDatabase, storage: MemoryMessageStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OUTAGE", Backoff(first=0.001, longest=0.001))
    away = True

    async def check() -> None:
        if away:
            await database_unavailable()

    async def fail(context: HandlerContext, envelope: Envelope) -> None:
        del context, envelope
        await check()
        raise ZeroDivisionError

    processor = create_processor(database, storage, handlers(fail), check=check, long_outage_seconds=0.2)
    long = asyncio.Event()
    processor.on_long_outage = long.set

    def held() -> asyncio.Task[Verdict]:
        return asyncio.create_task(processor(delivery_of(new_id(), 1)))

    first = held()
    await long.wait()
    away = False
    assert isinstance(await first, Retry)
    away = True
    long.clear()
    started = asyncio.get_running_loop().time()
    second = held()
    await long.wait()
    assert asyncio.get_running_loop().time() - started > 0.2
    processor.stop()
    assert isinstance(await second, Return)


async def test_a_message_that_crashes_the_process_each_time_is_dead_lettered(create: Create) -> None:
    verdict = await create()(Delivery(delivery_of(new_id(), 1).body, attempt=ATTEMPTS * FOLLOWERS_PATIENCE + 1))
    assert isinstance(verdict, Dead)


async def test_an_event_is_the_cause_of_what_its_handler_does(create: Create) -> None:
    seen = []

    async def look(context: HandlerContext, envelope: Envelope) -> None:
        del context, envelope
        seen.append(current_correlation())

    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await create(look)(delivery_of(new_id(), 1, id="event-1", correlationid="request-1", traceparent=trace))
    [context] = seen
    assert context is not None
    assert (context.correlation_id, context.causation_id, context.traceparent) == ("request-1", "event-1", trace)


async def test_events_of_one_aggregate_are_handled_one_after_the_other_and_those_of_others_at_once(
    create: Create,
) -> None:
    running: list[str] = []
    most = 0
    repeated = False

    async def look(context: HandlerContext, envelope: Envelope) -> None:
        nonlocal most, repeated
        del context
        key = str(envelope.subject)
        repeated |= key in running
        running.append(key)
        most = max(most, len(running))
        await asyncio.sleep(0.001)
        running.remove(key)

    processor, ids = create(look), [new_id() for _ in range(4)]
    await asyncio.gather(*(processor(delivery_of(id, version)) for version in range(1, 6) for id in ids))
    assert (repeated, most) == (False, 4)
