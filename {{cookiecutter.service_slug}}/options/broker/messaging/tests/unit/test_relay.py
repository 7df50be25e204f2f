"""The relay on a database in memory, with a broker that fails as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest

from {{ cookiecutter.package_name }}.infrastructure.database.memory import MemoryDatabase
from {{ cookiecutter.package_name }}.infrastructure.database.memory_messages import MemoryMessageStore
from {{ cookiecutter.package_name }}.infrastructure.identity import utc_now
from {{ cookiecutter.package_name }}.infrastructure.messaging.backoff import Backoff
from {{ cookiecutter.package_name }}.infrastructure.messaging.metrics import RelayMetrics
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Message
from {{ cookiecutter.package_name }}.infrastructure.messaging.relay import Relay, waves
from {{ cookiecutter.package_name }}.infrastructure.telemetry.metrics import create_registry

from ..deliveries import until
from ..relays import FailingBroker


@pytest.fixture
def broker() -> FailingBroker:
    """A broker that works, until it is told otherwise."""
    return FailingBroker()


@pytest.fixture
def database() -> MemoryDatabase:
    """An empty one."""
    return MemoryDatabase()


@pytest.fixture
def store(database: MemoryDatabase) -> MemoryMessageStore:
    """Its outbox."""
    return MemoryMessageStore(database)


@pytest.fixture
def relay(store: MemoryMessageStore, broker: FailingBroker, monkeypatch: pytest.MonkeyPatch) -> Relay:
    """A relay that is quick to try again."""
    monkeypatch.setattr(Relay.__module__ + ".BACKOFF", Backoff(first=0.001, longest=0.01))
    return Relay(store, broker, RelayMetrics(create_registry()), batch_size=10, now=utc_now)


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[asyncio.Task[None]]:
    """Relay as long as the block lasts."""
    task = asyncio.create_task(relay.run())
    try:
        yield task
    finally:
        relay.stop()
        await task


async def enqueue(database: MemoryDatabase, store: MemoryMessageStore, *keys: str) -> list[str]:
    """Put a message for each key into the outbox; gives the ids."""
    messages = [Message(str(uuid4()), "service.thing.created", key, b"{}") for key in keys]
    async with database.begin() as work:
        await store.within(work).enqueue(messages)
    return [message.id for message in messages]


async def test_publishes_what_was_committed_and_empties_the_outbox(
    relay: Relay, database: MemoryDatabase, store: MemoryMessageStore, broker: FailingBroker
) -> None:
    async with running(relay):
        sent = await enqueue(database, store, *(f"key-{number}" for number in range(25)))
        await until(lambda: len(broker.published) == 25)
    assert broker.ids == sent
    assert (await store.backlog(100)).count == 0


async def test_keeps_everything_while_the_broker_is_away(
    relay: Relay, database: MemoryDatabase, store: MemoryMessageStore, broker: FailingBroker
) -> None:
    broker.away = True
    async with running(relay):
        sent = await enqueue(database, store, "a", "b", "a")
        await asyncio.sleep(0.05)
        assert (await store.backlog(100)).count == 3
        broker.away = False
        await until(lambda: len(broker.published) == 3)
    assert sorted(broker.ids) == sorted(sent)


async def test_removes_only_what_was_confirmed_and_nothing_overtakes_a_refused_event(
    relay: Relay, database: MemoryDatabase, store: MemoryMessageStore, broker: FailingBroker
) -> None:
    sent = await enqueue(database, store, "a", "b", "a", "b", "a")
    broker.refused = {sent[2]}
    async with running(relay):
        await until(lambda: len(broker.published) == 3)
        await asyncio.sleep(0.05)
        assert broker.ids == [sent[0], sent[1], sent[3]]
        assert (await store.backlog(100)).count == 2
        broker.refused.clear()
        await until(lambda: len(broker.published) == 5)
    assert broker.ids[3:] == [sent[2], sent[4]]


async def test_measures_the_delay_of_what_was_confirmed(
    database: MemoryDatabase, store: MemoryMessageStore, broker: FailingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = create_registry()
    with monkeypatch.context() as earlier:
        earlier.setattr(MemoryMessageStore.__module__ + ".utc_now", lambda: utc_now() - timedelta(hours=1))
        broker.refused = set(await enqueue(database, store, "refused"))
    await enqueue(database, store, "good")
    async with running(Relay(store, broker, RelayMetrics(registry), batch_size=10, now=utc_now)):
        await until(lambda: len(broker.published) == 1)
    assert registry.get_sample_value("outbox_delay_seconds_count") == 1
    assert 0 <= (registry.get_sample_value("outbox_delay_seconds_sum") or 0) < 60


async def test_ends_with_the_batch_at_hand(
    relay: Relay, database: MemoryDatabase, store: MemoryMessageStore, broker: FailingBroker
) -> None:
    broker.slow.clear()
    async with running(relay) as task:
        await enqueue(database, store, "a")
        await asyncio.sleep(0.02)
        relay.stop()
        await asyncio.sleep(0.02)
        assert not task.done()
        broker.slow.set()
        await task
    assert (await store.backlog(100)).count == 0


def test_a_wave_holds_no_key_twice_and_no_follower_of_what_failed() -> None:
    batch = [Message(f"{key}{number}", "t", key, b"") for number in range(3) for key in "abc"]
    confirmed: set[str] = set()
    seen = []
    for wave in waves(batch, confirmed):
        seen.append([message.id for message in wave])
        confirmed.update(message.id for message in wave if message.id != "b1")
    assert seen == [["a0", "b0", "c0"], ["a1", "b1", "c1"], ["a2", "c2"]]
