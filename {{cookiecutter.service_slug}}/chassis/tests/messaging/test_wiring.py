"""Messaging in a process: what it needs before it, and what opens, runs and closes in which order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from chassis.database.memory import MemoryDatabase
from chassis.identity import utc_now
from chassis.messaging.brokers.in_process import InProcessBroker
from chassis.messaging.history import history_handlers
from chassis.messaging.port import Handler, Subscription, noop
from chassis.messaging.storage.memory import MemoryInbox, MemoryMessageStorage
from chassis.messaging.wiring import Messaging
from chassis.process import Process
from chassis.testing.http import running
from tests.http.parcels import IDENTITY
from tests.messaging.test_application import CONSUMER, Settings
from tests.sample.domain.parcels import DECISIONS, EVENTS
from tests.sample.messaging.contracts import CATALOG


class ObservedBroker(InProcessBroker):
    """Records what is done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []

    async def open(self) -> None:
        self.done.append("open")

    async def close(self) -> None:
        self.done.append("close")

    @asynccontextmanager
    async def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        on_stopping: Callable[[], None] = noop,
    ) -> AsyncIterator[None]:
        self.done.append("consume")
        async with super().consuming(subscription, handle, concurrency, on_stopping):
            yield
        self.done.append("stop")


def messaging(process: Process, broker: InProcessBroker, storage: MemoryMessageStorage) -> Messaging:
    """The sample's messaging."""
    handlers = history_handlers(CATALOG, storage.history)
    return Messaging(
        process, Settings(), broker=broker, storage=storage, catalog=CATALOG, subscriptions={CONSUMER: handlers}
    )


@pytest.fixture
def database() -> MemoryDatabase:
    """An empty database."""
    return MemoryDatabase()


@pytest.fixture
def storage(database: MemoryDatabase) -> MemoryMessageStorage:
    """Its messages."""
    return MemoryMessageStorage(database)


@pytest.fixture
def process(database: MemoryDatabase) -> Process:
    """A process with a database."""
    process = Process(IDENTITY, Settings())
    process.use_database(database, EVENTS, DECISIONS)
    return process


async def test_a_worker_consumes_while_its_broker_is_open(process: Process, storage: MemoryMessageStorage) -> None:
    broker = ObservedBroker()
    messaging(process, broker, storage).run_worker()
    async with running(process.create_operations_api()):
        assert broker.done == ["open", "consume"]
    assert broker.done == ["open", "consume", "stop", "close"]


async def test_an_api_without_a_worker_consumes_nothing(process: Process, storage: MemoryMessageStorage) -> None:
    broker = ObservedBroker()
    messaging(process, broker, storage).serve_without_broker()
    async with running(process.create_api([])):
        pass
    assert broker.done == ["open", "close"]


async def test_a_worker_purges_its_inbox(
    process: Process, storage: MemoryMessageStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    purged: asyncio.Queue[datetime] = asyncio.Queue()

    async def purge(_: MemoryInbox, before: datetime) -> int:
        purged.put_nowait(before)
        return 0

    monkeypatch.setattr(MemoryInbox, "purge", purge)
    messaging(process, InProcessBroker(), storage).run_worker()
    async with running(process.create_operations_api()):
        before = await asyncio.wait_for(purged.get(), timeout=5)
    assert abs(utc_now() - before - timedelta(hours=Settings().consumer.inbox_hours)) < timedelta(minutes=1)


def test_the_database_comes_before_messaging(storage: MemoryMessageStorage) -> None:
    with pytest.raises(RuntimeError, match="call use_database first"):
        messaging(Process(IDENTITY, Settings()), InProcessBroker(), storage)


def test_commands_come_after_messaging(process: Process, storage: MemoryMessageStorage) -> None:
    assert process.commands
    with pytest.raises(RuntimeError, match="before creating routers"):
        messaging(process, InProcessBroker(), storage)
