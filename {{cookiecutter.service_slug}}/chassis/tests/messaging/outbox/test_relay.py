"""The relay on an outbox in memory, with a broker that fails on demand."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry

from chassis.background import Backoff
from chassis.database.memory import MemoryDatabase
from chassis.errors import Unavailable
from chassis.identity import utc_now
from chassis.messaging.outbox import OutboxAge, OutboxMetrics, Relay, outbox_check
from chassis.messaging.outbox import relay as module
from chassis.messaging.outbox.outbox_check import Check
from chassis.messaging.outbox.relay import without_repeated_keys
from chassis.messaging.port import Message
from chassis.messaging.storage.memory import MemoryOutbox
from chassis.messaging.storage.memory import outbox as memory_outbox
from chassis.testing.brokers import eventually
from chassis.testing.messaging import FailingBroker, relaying

Enqueue = Callable[..., Awaitable[list[str]]]


@pytest.fixture
def broker() -> FailingBroker:
    """A broker that works until a test changes that."""
    return FailingBroker()


@pytest.fixture
def enqueue(database: MemoryDatabase, outbox: MemoryOutbox) -> Enqueue:
    """Enqueues a message for each key; returns the ids."""

    async def run(*keys: str) -> list[str]:
        messages = [Message(str(uuid4()), "service.thing.created", key, b"{}") for key in keys]
        async with database.begin() as transaction:
            await outbox.enqueue(transaction, messages)
        return [message.id for message in messages]

    return run


@pytest.fixture
def relay(outbox: MemoryOutbox, broker: FailingBroker, monkeypatch: pytest.MonkeyPatch) -> Relay:
    """A relay with short pauses."""
    monkeypatch.setattr(module, "BACKOFF", Backoff(first=0.001, longest=0.01))
    return Relay(outbox, broker, OutboxMetrics(CollectorRegistry()), batch_size=10, now=utc_now)


async def test_publishes_committed_messages_and_empties_the_outbox(
    relay: Relay, enqueue: Enqueue, outbox: MemoryOutbox, broker: FailingBroker
) -> None:
    async with relaying(relay):
        sent = await enqueue(*(f"key-{number}" for number in range(25)))
        await eventually(lambda: len(broker.published) == 25)
    assert broker.ids == sent
    assert (await outbox.backlog(100)).count == 0


async def test_keeps_all_messages_while_the_broker_is_away(
    relay: Relay, enqueue: Enqueue, outbox: MemoryOutbox, broker: FailingBroker
) -> None:
    broker.away = True
    async with relaying(relay):
        sent = await enqueue("a", "b", "a")
        await asyncio.sleep(0.05)
        assert (await outbox.backlog(100)).count == 3
        broker.away = False
        await eventually(lambda: len(broker.published) == 3)
    assert sorted(broker.ids) == sorted(sent)


async def test_removes_only_confirmed_messages_and_none_overtakes_a_refused_one(
    relay: Relay, enqueue: Enqueue, outbox: MemoryOutbox, broker: FailingBroker
) -> None:
    sent = await enqueue("a", "b", "a", "b", "a")
    broker.refused = {sent[2]}
    async with relaying(relay):
        await eventually(lambda: len(broker.published) == 3)
        await asyncio.sleep(0.05)
        assert broker.ids == [sent[0], sent[1], sent[3]]
        assert (await outbox.backlog(100)).count == 2
        broker.refused.clear()
        await eventually(lambda: len(broker.published) == 5)
    assert broker.ids[3:] == [sent[2], sent[4]]


async def test_measures_the_delay_of_confirmed_messages(
    enqueue: Enqueue, outbox: MemoryOutbox, broker: FailingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = CollectorRegistry()
    with monkeypatch.context() as earlier:
        earlier.setattr(memory_outbox, "utc_now", lambda: utc_now() - timedelta(hours=1))
        broker.refused = set(await enqueue("refused"))
    await enqueue("good")
    async with relaying(Relay(outbox, broker, OutboxMetrics(registry), batch_size=10, now=utc_now)):
        await eventually(lambda: len(broker.published) == 1)
    assert registry.get_sample_value("outbox_delay_seconds_count") == 1
    assert 0 <= (registry.get_sample_value("outbox_delay_seconds_sum") or 0) < 60


@pytest.mark.parametrize("hours", [-1, 1], ids=["back", "forth"])
async def test_publishes_while_the_clock_jumps(
    enqueue: Enqueue, outbox: MemoryOutbox, broker: FailingBroker, hours: int
) -> None:
    registry, jump = CollectorRegistry(), timedelta(hours=hours)
    relay = Relay(outbox, broker, OutboxMetrics(registry), batch_size=10, now=lambda: utc_now() + jump)
    await enqueue("before")
    async with relaying(relay):
        await enqueue("after")
        await eventually(lambda: len(broker.published) == 2)
    assert (registry.get_sample_value("outbox_delay_seconds_sum") or 0) >= 0


async def test_a_batch_ends_in_time_although_the_clock_is_set_back(
    enqueue: Enqueue, outbox: MemoryOutbox, broker: FailingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BATCH_SECONDS", 0)
    registry, earlier = CollectorRegistry(), count(1)
    relay = Relay(
        outbox,
        broker,
        OutboxMetrics(registry),
        batch_size=10,
        now=lambda: utc_now() - timedelta(hours=next(earlier)),
    )
    await enqueue("a", "a", "a")
    async with relaying(relay):
        await eventually(lambda: len(broker.published) == 3)
    assert registry.get_sample_value("outbox_delay_seconds_count") == 3


async def test_stops_after_the_current_batch(
    relay: Relay, enqueue: Enqueue, outbox: MemoryOutbox, broker: FailingBroker
) -> None:
    broker.slow.clear()
    running = asyncio.create_task(relay.run())
    await enqueue("a")
    await asyncio.sleep(0.02)
    relay.stop()
    await asyncio.sleep(0.02)
    assert not running.done()
    broker.slow.set()
    await running
    assert (await outbox.backlog(100)).count == 0


def test_no_batch_repeats_a_key_or_holds_a_message_that_follows_on_a_failed_one() -> None:
    messages = [Message(f"{key}{number}", "t", key, b"") for number in range(3) for key in "abc"]
    confirmed: set[str] = set()
    seen = []
    for batch in without_repeated_keys(messages, confirmed):
        seen.append([message.id for message in batch])
        confirmed.update(message.id for message in batch if message.id != "b1")
    assert seen == [["a0", "b0", "c0"], ["a1", "b1", "c1"], ["a2", "c2"]]


async def available() -> None:
    """The check of a broker that can be reached."""


async def away() -> None:
    """The check of one that cannot."""
    raise Unavailable("broker", "cannot be reached")


async def hanging() -> None:
    """The check of one that does not answer."""
    await asyncio.Event().wait()


async def test_readiness_reports_late_events_and_their_age(enqueue: Enqueue, outbox: MemoryOutbox) -> None:
    registry = CollectorRegistry()
    check = outbox_check(outbox, 0.05, OutboxAge(registry), available)
    await check()
    await enqueue("a")
    await asyncio.sleep(0.06)
    with pytest.raises(Unavailable, match=r"the oldest event has been waiting for 0 s: does a worker run\?"):
        await check()
    assert (registry.get_sample_value("outbox_oldest_seconds") or 0) > 0.05


@pytest.mark.parametrize("broker_check", [away, hanging])
async def test_readiness_does_not_ask_for_a_worker_while_the_broker_is_away(
    enqueue: Enqueue, outbox: MemoryOutbox, broker_check: Check
) -> None:
    check = outbox_check(outbox, 0, OutboxAge(CollectorRegistry()), broker_check)
    await enqueue("a")
    with pytest.raises(Unavailable) as late:
        await check()
    assert late.value.reason == "the oldest event has been waiting for 0 s"
