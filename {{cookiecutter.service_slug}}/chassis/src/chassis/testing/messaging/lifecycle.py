"""The way of an event through outbox, relay, broker and inbox, with a database in memory: the broker is on trial."""

from collections.abc import Callable, Sequence
from uuid import uuid4

import orjson
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from ...background import Backoff
from ...database.memory import MemoryDatabase
from ...database.port import DatabaseTransaction
from ...database.retries import Retries
from ...database.transactions import Transactions
from ...identity import new_id, utc_now
from ...messaging.contracts.envelope import Envelope
from ...messaging.inbox import ConsumerMetrics, EventHandler, HandlerContext, MessageProcessor, RetryPolicy
from ...messaging.outbox import OutboxMetrics, Relay
from ...messaging.port import Broker, Message, Subscription, channel_of
from ...messaging.storage.memory import MemoryMessageStorage
from ..brokers import BrokerFixtures, RecordingHandler, eventually, eventually_true, has_dead
from .relays import relaying

BATCH = 50
CONCURRENCY = 32
IMPATIENT = RetryPolicy(attempts=3, backoff=Backoff(first=0.05, longest=0.1))
# Pauses after which any consumer may take a message, not only the one that has returned it.
PATIENT = RetryPolicy(attempts=8, backoff=Backoff(first=0.5, longest=2))


class _AnyData(BaseModel):
    """Accepts every event."""


class _Service:
    """One database, and what a process of a service builds upon it."""

    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self.storage = MemoryMessageStorage(self.database)
        self.transactions = Transactions(self.database, Retries())

    def relay(self, broker: Broker) -> Relay:
        return Relay(self.storage.outbox, broker, OutboxMetrics(CollectorRegistry()), BATCH, utc_now)

    def processor(
        self, subscription: Subscription, apply: Callable[[Envelope], object], policy: RetryPolicy = IMPATIENT
    ) -> MessageProcessor:
        async def handle(context: HandlerContext, envelope: Envelope) -> None:
            del context
            apply(envelope)

        return MessageProcessor(
            subscription.name,
            {type: EventHandler(1, _AnyData, handle) for type in subscription.types},
            transactions=self.transactions,
            inbox=self.storage.inbox,
            policy=policy,
            metrics=ConsumerMetrics(CollectorRegistry()),
            now=utc_now,
            check=self.database.check,
        )

    async def enqueue(self, *messages: Message) -> None:
        async def step(transaction: DatabaseTransaction) -> None:
            await self.storage.outbox.enqueue(transaction, messages)

        await self.transactions.run(step)


class EventLifecycleConformance(BrokerFixtures):
    """Outbox, relay, broker, processor and inbox together."""

    async def test_a_poison_message_among_a_thousand_is_dead_lettered_and_replayed_after_the_fix(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        service = _Service()
        valid = [_event(type, str(new_id()), number) for number in range(1000)]
        poison = valid[500]
        garbage = Message(str(uuid4()), type, "key", b"\x00 not an event")
        applied: list[str] = []

        def apply_unless_poison(envelope: Envelope) -> None:
            if envelope.id == poison.id:
                raise ZeroDivisionError("a mistake in the code")
            applied.append(envelope.id)

        processor = service.processor(subscription, apply_unless_poison)
        async with broker.consuming(subscription, processor, CONCURRENCY), relaying(service.relay(broker)):
            await service.enqueue(*valid[:300], garbage, *valid[300:])
            await eventually(lambda: len(applied) == 999)
            await eventually_true(lambda: has_dead(broker, subscription, 2))
        dead = {each.body: each for each in await broker.dead_letters(subscription, 10)}
        assert dead[garbage.body].reason.startswith("not a CloudEvent: ")
        assert dead[garbage.body].attempts == 1
        assert dead[poison.body].reason == "ZeroDivisionError: a mistake in the code"
        assert dead[poison.body].attempts == 3

        fixed = service.processor(subscription, lambda envelope: applied.append(envelope.id))
        async with broker.consuming(subscription, fixed, CONCURRENCY):
            await broker.replay(subscription, dead[poison.body].id)
            await eventually(lambda: len(applied) == 1000)
            await eventually_true(lambda: has_dead(broker, subscription, 1))
        assert sorted(applied) == sorted(each.id for each in valid)

    async def test_an_event_that_only_the_newer_of_two_releases_knows_reaches_that_one(
        self, broker: Broker, another: Broker, subscription: Subscription, type: str
    ) -> None:
        service = _Service()
        new_type = f"{channel_of(type)}.introduced"
        introduced = [_event(new_type, str(new_id()), number) for number in range(40)]
        known = [_event(type, str(new_id()), number) for number in range(40)]
        applied: list[str] = []
        newer = Subscription(subscription.name, [*subscription.types, new_type])

        def apply(envelope: Envelope) -> None:
            applied.append(envelope.id)

        async with (
            another.consuming(newer, service.processor(newer, apply, PATIENT), CONCURRENCY),
            relaying(service.relay(broker)),
        ):
            async with broker.consuming(subscription, service.processor(subscription, apply, PATIENT), CONCURRENCY):
                for each in zip(introduced, known, strict=True):
                    await service.enqueue(*each)
                await eventually(lambda: {each.id for each in known} <= set(applied))
            # The older release has ended, and held messages back until then.
            await eventually(lambda: len(applied) == 80)
            assert (await broker.depth(subscription)).dead == 0
        assert sorted(applied) == sorted(each.id for each in (*introduced, *known))

    async def test_two_relays_publish_each_event_once_and_in_the_order_of_its_aggregate(
        self, broker: Broker, another: Broker, subscription: Subscription, type: str
    ) -> None:
        service = _Service()
        handler = RecordingHandler()
        keys = [str(new_id()) for _ in range(40)]
        sent = {key: [_event(type, key, number) for number in range(25)] for key in keys}
        async with (
            broker.consuming(subscription, handler, CONCURRENCY),
            relaying(service.relay(broker), service.relay(another)),
        ):
            for number in range(25):
                await service.enqueue(*(sent[key][number] for key in keys))
            await handler.wait_for(*(each.body for events in sent.values() for each in events))
        assert _first_deliveries(handler.bodies) == {key: list(range(25)) for key in keys}
        # Nothing failed, so nothing had to be published again.
        assert len(handler.deliveries) == 1000


def _event(type: str, key: str, number: int) -> Message:
    envelope = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/test",
        "type": type,
        "subject": key,
        "number": number,
        "data": {"id": key},
    }
    return Message(str(envelope["id"]), type, key, orjson.dumps(envelope))


def _first_deliveries(bodies: Sequence[bytes]) -> dict[str, list[int]]:
    """For each aggregate the numbers of its events, in the order in which each was first delivered."""
    seen: dict[str, list[int]] = {}
    for body in bodies:
        event = orjson.loads(body)
        numbers = seen.setdefault(event["subject"], [])
        if event["number"] not in numbers:
            numbers.append(event["number"])
    return seen
