"""What a consumer makes of each kind of message, on a database in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import orjson
import pytest
from pydantic import BaseModel

from {{ cookiecutter.package_name }}.domain.causality import current_cause
from {{ cookiecutter.package_name }}.infrastructure.database.memory import MemoryDatabase
from {{ cookiecutter.package_name }}.infrastructure.database.memory_messages import MemoryMessageStore
from {{ cookiecutter.package_name }}.infrastructure.database.retrying import RetryingDatabase
from {{ cookiecutter.package_name }}.infrastructure.identity import new_id, utc_now
from {{ cookiecutter.package_name }}.infrastructure.messaging import consumer as module
from {{ cookiecutter.package_name }}.infrastructure.messaging.backoff import Backoff
from {{ cookiecutter.package_name }}.infrastructure.messaging.consumer import (
    Check,
    Consumer,
    Reaction,
    RetryPolicy,
    Step,
)
from {{ cookiecutter.package_name }}.infrastructure.messaging.envelope import Envelope
from {{ cookiecutter.package_name }}.infrastructure.messaging.metrics import ConsumerMetrics
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Dead, Delivery, Done, Retry
from {{ cookiecutter.package_name }}.infrastructure.messaging.schemas import PREFIX
from {{ cookiecutter.package_name }}.infrastructure.messaging.subscriptions import HISTORY, subscriptions
from {{ cookiecutter.package_name }}.infrastructure.telemetry.metrics import create_registry

from ..outage import away

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
ATTEMPTS = 3
REACTIONS = subscriptions()[HISTORY]


class Anything(BaseModel):
    """Data that is not looked at."""


@pytest.fixture
def database() -> MemoryDatabase:
    """An empty one."""
    return MemoryDatabase()


@pytest.fixture
def store(database: MemoryDatabase) -> MemoryMessageStore:
    """Its inbox and history."""
    return MemoryMessageStore(database)


Build = Callable[..., Consumer]


@pytest.fixture
def build(database: MemoryDatabase, store: MemoryMessageStore) -> Build:
    """Makes a consumer, by default the one that keeps the history."""

    def make(
        react: Callable[[Step, Envelope], Awaitable[None]] | None = None, check: Check = database.check
    ) -> Consumer:
        return Consumer(
            HISTORY,
            REACTIONS if react is None else {f"{PREFIX}.created": Reaction(1, Anything, react)},
            RetryingDatabase(database, lambda: None),
            store,
            RetryPolicy(ATTEMPTS, Backoff(first=0.1, longest=1)),
            ConsumerMetrics(create_registry()),
            utc_now,
            check,
        )

    return make


def event(aggregate: UUID, version: int, action: str = "created", **changes: object) -> Delivery:
    """An event as it comes."""
    envelope = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/elsewhere",
        "type": f"{PREFIX}.{action}",
        "subject": str(aggregate),
        "time": NOW.isoformat(),
        "dataschema": f"urn:event-schema:{PREFIX}.{action}:1.0",
        "aggregateversion": version,
        "data": {"id": str(aggregate), "reference": "A-1001", "quantity": 3},
    }
    return Delivery(orjson.dumps(envelope | changes))


async def test_an_event_has_its_effect_once_however_often_it_comes(build: Build, store: MemoryMessageStore) -> None:
    consumer, id = build(), new_id()
    delivery = event(id, 1)
    assert {type(verdict) for verdict in await asyncio.gather(*(consumer(delivery) for _ in range(5)))} == {Done}
    assert await consumer(delivery) == Done()
    assert [entry.version for entry in await store.history(id, 0, 10)] == [1]


async def test_an_event_that_comes_early_waits_for_the_one_before_it(build: Build, store: MemoryMessageStore) -> None:
    consumer, id = build(), new_id()
    first, second = event(id, 1), event(id, 2, "confirmed")
    verdict = await consumer(second)
    assert isinstance(verdict, Retry)
    assert verdict.reason == "version 2 came while the last one known is 0"
    assert await consumer(first) == Done()
    assert await consumer(second) == Done()
    assert [entry.version for entry in await store.history(id, 0, 10)] == [1, 2]


async def test_an_event_whose_predecessor_never_comes_is_put_aside_at_last(build: Build) -> None:
    delivery = event(new_id(), 2, "confirmed")
    last = Delivery(delivery.body, attempt=ATTEMPTS * 2)
    assert isinstance(await build()(Delivery(delivery.body, attempt=ATTEMPTS)), Retry)
    assert isinstance(await build()(last), Dead)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no CloudEvent: body: "),
        (b"\xff\xfe", "no CloudEvent: body: "),
        (b'{"specversion": "0.3"}', "no CloudEvent: specversion: "),
        (event(new_id(), 1, data={"id": "x"}).body, f"{PREFIX}.created: id: "),
        (
            event(new_id(), 1, dataschema=f"urn:event-schema:{PREFIX}.created:2.0").body,
            f"{PREFIX}.created: major version 2 came, 1 is understood",
        ),
    ],
)
async def test_what_can_never_be_handled_is_put_aside_at_once(build: Build, body: bytes, reason: str) -> None:
    verdict = await build()(Delivery(body))
    assert isinstance(verdict, Dead)
    assert verdict.reason.startswith(reason)


async def test_unknown_types_and_newer_minor_versions_are_no_mistake(build: Build, store: MemoryMessageStore) -> None:
    consumer, id = build(), new_id()
    assert await consumer(event(new_id(), 1, "shipped")) == Done()
    newer = event(
        id,
        1,
        dataschema=f"urn:event-schema:{PREFIX}.created:1.7",
        data={"id": str(id), "reference": "A", "quantity": 1, "colour": "red"},
        newattribute="x",
    )
    assert await consumer(newer) == Done()
    [entry] = await store.history(id, 0, 10)
    assert entry.data["colour"] == "red"


async def test_a_failure_is_tried_again_and_then_put_aside_with_its_reason(build: Build) -> None:
    async def fail(step: Step, envelope: Envelope) -> None:
        del step, envelope
        raise ZeroDivisionError("no such thing")

    consumer, delivery = build(fail), event(new_id(), 1)
    for attempt in range(1, ATTEMPTS):
        verdict = await consumer(Delivery(delivery.body, attempt=attempt))
        assert isinstance(verdict, Retry)
        assert 0.05 * 2 ** (attempt - 1) <= verdict.after_seconds <= 0.1 * 2 ** (attempt - 1)
    assert await consumer(Delivery(delivery.body, attempt=ATTEMPTS)) == Dead("ZeroDivisionError: no such thing")


async def test_a_failed_effect_leaves_nothing_behind(build: Build, database: MemoryDatabase) -> None:
    failures = iter([True, False])

    async def fail_once(step: Step, envelope: Envelope) -> None:
        del step, envelope
        if next(failures):
            raise ValueError

    consumer, delivery = build(fail_once), event(new_id(), 1)
    assert isinstance(await consumer(delivery), Retry)
    assert database.held == set()
    assert await consumer(delivery) == Done()


async def test_messages_are_held_while_the_database_is_away_and_use_up_no_attempt(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OUTAGE", Backoff(first=0.001, longest=0.001))
    calls = 0

    async def come_back(step: Step, envelope: Envelope) -> None:
        nonlocal calls
        calls += 1
        if calls <= ATTEMPTS * 5:
            await away(step, envelope)

    assert await build(come_back, away)(Delivery(event(new_id(), 1).body, attempt=ATTEMPTS)) == Done()


async def test_a_message_that_asks_too_much_of_a_database_that_is_there_uses_up_its_attempts(build: Build) -> None:
    consumer, body = build(away), event(new_id(), 1).body
    assert isinstance(await consumer(Delivery(body, attempt=1)), Retry)
    assert isinstance(await consumer(Delivery(body, attempt=ATTEMPTS)), Dead)


async def test_what_is_held_is_given_back_when_the_process_ends(build: Build) -> None:
    consumer = build(away, away)
    handling = asyncio.create_task(consumer(event(new_id(), 1)))
    await asyncio.sleep(0.01)
    consumer.stop()
    assert await handling == Retry(0, "the process ends")


async def test_a_message_that_kills_the_process_each_time_is_put_aside(build: Build) -> None:
    verdict = await build()(Delivery(event(new_id(), 1).body, attempt=ATTEMPTS * 2 + 1))
    assert isinstance(verdict, Dead)


async def test_what_follows_from_an_event_names_it_as_its_cause(build: Build) -> None:
    seen = []

    async def look(step: Step, envelope: Envelope) -> None:
        del step, envelope
        seen.append(current_cause())

    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await build(look)(event(new_id(), 1, id="event-1", correlationid="request-1", traceparent=trace))
    [cause] = seen
    assert cause is not None
    assert (cause.correlation_id, cause.causation_id, cause.traceparent) == ("request-1", "event-1", trace)


async def test_events_of_one_aggregate_are_handled_one_after_the_other_others_beside_them(build: Build) -> None:
    running: list[str] = []
    most = 0
    twice = False

    async def look(step: Step, envelope: Envelope) -> None:
        nonlocal most, twice
        del step
        key = str(envelope.subject)
        twice |= key in running
        running.append(key)
        most = max(most, len(running))
        await asyncio.sleep(0.001)
        running.remove(key)

    consumer, ids = build(look), [new_id() for _ in range(4)]
    await asyncio.gather(*(consumer(event(id, version)) for version in range(1, 6) for id in ids))
    assert (twice, most) == (False, 4)
