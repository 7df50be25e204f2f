"""Outbox, relay, broker, consumer and inbox together, on the real database and the real broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import orjson
import pytest

from {{ cookiecutter.package_name }}.bootstrap import Adapters
from {{ cookiecutter.package_name }}.config import Settings
from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.domain.ports import UnitOfWork
from {{ cookiecutter.package_name }}.infrastructure.identity import new_id, utc_now
from {{ cookiecutter.package_name }}.infrastructure.messaging.backoff import Backoff
from {{ cookiecutter.package_name }}.infrastructure.messaging.consumer import (
    Consumer,
    Reaction,
    RetryPolicy,
    Step,
)
from {{ cookiecutter.package_name }}.infrastructure.messaging.envelope import Envelope
from {{ cookiecutter.package_name }}.infrastructure.messaging.metrics import ConsumerMetrics, RelayMetrics
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Message
from {{ cookiecutter.package_name }}.infrastructure.messaging.relay import Relay
from {{ cookiecutter.package_name }}.infrastructure.messaging.schemas import EventData
from {{ cookiecutter.package_name }}.infrastructure.telemetry.metrics import create_registry

from ...deliveries import Handled, has_dead, until, until_true
from ...relays import relaying

Cleanup = Callable[[str], None]

# Fewer than a process has connections: none has to be waited for.
AT_ONCE = 6


@dataclass
class Process:
    """What one process of the service holds."""

    adapters: Adapters
    kind: str

    def relay(self) -> Relay:
        """A relay of this process."""
        return Relay(self.adapters.store, self.adapters.broker, RelayMetrics(create_registry()), 50, utc_now)

    def consumer(self, react: Callable[[Step, Envelope], object]) -> Consumer:
        """Takes the events of this test."""

        async def reacting(step: Step, envelope: Envelope) -> None:
            react(step, envelope)

        return Consumer(
            f"{self.kind}.history",
            {f"{self.kind}.created": Reaction(1, EventData, reacting)},
            self.adapters.transactions,
            self.adapters.store,
            RetryPolicy(attempts=3, backoff=Backoff(first=0.05, longest=0.1)),
            ConsumerMetrics(create_registry()),
            utc_now,
            self.adapters.database.check,
        )

    async def enqueue(self, *messages: Message) -> None:
        """Put messages into the outbox."""

        async def step(work: UnitOfWork) -> None:
            await self.adapters.store.within(work).enqueue(messages)

        await self.adapters.data.run(step)


@pytest.fixture
def kind() -> str:
    """Service and entity that no other test has."""
    return f"test-{uuid4().hex}.thing"


@asynccontextmanager
async def processes(
    count: int,
    kind: str,
    settings: Settings,
    database_settings: DatabaseSettings,
    broker_settings: BrokerSettings,
) -> AsyncIterator[Sequence[Process]]:
    """So many processes on one database and one broker."""
    settings = replace(settings, database=database_settings, broker=broker_settings)
    async with AsyncExitStack() as stack:
        started = []
        for _ in range(count):
            adapters = Adapters.create(settings, None, None)
            stack.push_async_callback(adapters.database.close)
            await adapters.database.open()
            stack.push_async_callback(adapters.broker.close)
            await adapters.broker.open()
            started.append(Process(adapters, kind))
        yield started


def message(kind: str, key: UUID, number: int) -> Message:
    """An event of this test."""
    envelope = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/test",
        "type": f"{kind}.created",
        "subject": str(key),
        "number": number,
        "data": {"id": str(key)},
    }
    return Message(str(envelope["id"]), f"{kind}.created", str(key), orjson.dumps(envelope))


async def test_a_poison_message_among_a_thousand_is_put_aside_and_replayed_after_the_fix(
    kind: str, settings: Settings, database_settings: DatabaseSettings, broker_settings: BrokerSettings
) -> None:
    good = [message(kind, new_id(), number) for number in range(1000)]
    poison = good[500]
    applied: list[str] = []

    def broken(step: Step, envelope: Envelope) -> None:
        del step
        if envelope.id == poison.id:
            raise ZeroDivisionError("a mistake in the code")
        applied.append(envelope.id)

    def mended(step: Step, envelope: Envelope) -> None:
        del step
        applied.append(envelope.id)

    garbage = Message(str(uuid4()), f"{kind}.created", "key", b"\x00 no event")
    async with processes(1, kind, settings, database_settings, broker_settings) as [process]:
        broker, consumer = process.adapters.broker, process.consumer(broken)
        async with broker.consuming(consumer.subscription, consumer, 32), relaying(process.relay()):
            await process.enqueue(*good[:300], garbage, *good[300:])
            await until(lambda: len(applied) == 999)
            await until_true(lambda: has_dead(broker, consumer.subscription, 2))
        letters = {letter.body: letter for letter in await broker.dead_letters(consumer.subscription, 10)}
        assert letters[garbage.body].reason.startswith("no CloudEvent: body: ")
        assert letters[garbage.body].attempts == 1
        assert letters[poison.body].reason == "ZeroDivisionError: a mistake in the code"
        assert letters[poison.body].attempts == 3

        consumer = process.consumer(mended)
        async with broker.consuming(consumer.subscription, consumer, 32):
            await broker.replay(consumer.subscription, letters[poison.body].id)
            await until(lambda: len(applied) == 1000)
            await until_true(lambda: has_dead(broker, consumer.subscription, 1))
    assert sorted(applied) == sorted(each.id for each in good)


@pytest.mark.parametrize("relays", [2, 4])
async def test_several_relays_publish_each_event_and_keep_the_order_of_each_aggregate(
    relays: int,
    kind: str,
    settings: Settings,
    database_settings: DatabaseSettings,
    broker_settings: BrokerSettings,
) -> None:
    keys = [new_id() for _ in range(40)]
    handled = Handled()
    async with processes(relays, kind, settings, database_settings, broker_settings) as started:
        broker, subscription = started[0].adapters.broker, started[0].consumer(lambda *_: None).subscription
        async with (
            broker.consuming(subscription, handled, 32),
            relaying(*(process.relay() for process in started)),
        ):
            sent = [[message(kind, key, number) for number in range(25)] for key in keys]
            slots = asyncio.Semaphore(AT_ONCE)
            async with asyncio.TaskGroup() as tasks:
                for each in sent:
                    tasks.create_task(one_by_one(started[0], each, slots))
            await handled.wait_for(*(each.body for life in sent for each in life))
    seen: dict[str, list[int]] = {}
    for delivery in handled.deliveries:
        event = orjson.loads(delivery.body)
        numbers = seen.setdefault(event["subject"], [])
        if event["number"] not in numbers:
            numbers.append(event["number"])
    assert seen == {str(key): list(range(25)) for key in keys}
    # Nothing failed, so that nothing had to be sent again.
    assert len(handled.deliveries) == 1000


async def one_by_one(process: Process, messages: Sequence[Message], slots: asyncio.Semaphore) -> None:
    """Each in a transaction of its own, as the changes of an aggregate are."""
    for each in messages:
        async with slots:
            await process.enqueue(each)
