"""What takes minutes of a broker: twenty thousand events, and more outages in a row than it delivers a message."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest
from prometheus_client import CollectorRegistry

from chassis.background import Backoff
from chassis.database.memory import MemoryDatabase
from chassis.database.retries import Retries
from chassis.database.transactions import Transactions
from chassis.errors import Unavailable
from chassis.identity import new_id, utc_now
from chassis.messaging.consumption import Consumption
from chassis.messaging.contracts import Envelope
from chassis.messaging.inbox import ConsumerMetrics, EventHandler, HandlerContext, MessageProcessor, RetryPolicy
from chassis.messaging.port import Broker, Delivery, Depth, Done, Handler, Message, Subscription, Verdict, noop
from chassis.messaging.storage.memory import MemoryMessageStorage
from chassis.testing.brokers import (
    CONCURRENCY,
    BrokerFixtures,
    RecordingHandler,
    bodies_of,
    new_messages,
    publish_all,
)
from tests.messaging.inbox.deliveries import AnyData, Handle, delivery_of

EVENTS = 20_000
HANDLING_SECONDS = 0.01
LONG_SECONDS = 300


class SlowHandler:
    """Handles each message slowly.

    Attributes:
        bodies: of the messages handled so far.
    """

    def __init__(self) -> None:
        self.bodies: set[bytes] = set()

    async def __call__(self, delivery: Delivery) -> Verdict:
        """Called by the broker adapter."""
        await asyncio.sleep(HANDLING_SECONDS)
        self.bodies.add(delivery.body)
        return Done()


class FlappingDatabase:
    """Fails whenever the subscription is consumed, and passes its check once that was left: so many times.

    It stands between the consumer and the broker to see that.
    """

    def __init__(self, broker: Broker, times: int) -> None:
        self._broker = broker
        self._times = times
        self._is_consumed = False
        self.left = 0

    @property
    def is_failing(self) -> bool:
        """Whether handlers fail."""
        return self.left < self._times

    async def check(self) -> None:
        """Raise Unavailable while the subscription is consumed."""
        if self.is_failing and self._is_consumed:
            raise Unavailable("database", "cannot be reached")

    @asynccontextmanager
    async def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        on_stopping: Callable[[], None] = noop,
    ) -> AsyncIterator[None]:
        """Deliver."""
        self._is_consumed = True
        async with self._broker.consuming(subscription, handle, concurrency, on_stopping):
            yield
        self._is_consumed = False
        self.left += 1


@pytest.mark.long
class LongRuns(BrokerFixtures):
    """Long runs of an adapter.

    Attributes:
        outages: in a row, more than the broker's limit of deliveries, or than the attempts of a message.
    """

    outages: ClassVar[int] = 110

    async def test_more_long_outages_in_a_row_than_any_limit_of_deliveries_bury_nothing(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        database, applied = FlappingDatabase(broker, self.outages), list[str]()

        async def handle(_: HandlerContext, envelope: Envelope) -> None:
            if database.is_failing:
                raise Unavailable("database", "cannot be reached", is_outage=True)
            applied.append(envelope.id)

        consumption = Consumption(database, _processor(subscription, handle, database), CONCURRENCY, database.check)
        consuming = asyncio.create_task(consumption.run())
        await consumption.subscribed()
        ids = [str(new_id()) for _ in range(3)]
        await publish_all(
            broker, [Message(id, type, id, delivery_of(new_id(), 1, type=type, id=id).body) for id in ids]
        )
        async with asyncio.timeout(LONG_SECONDS):
            while len(applied) < len(ids) and not (await broker.depth(subscription)).dead:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        consumption.stop()
        await consuming
        assert sorted(applied) == sorted(ids)
        assert database.left > self.outages
        assert await broker.depth(subscription) == Depth(waiting=0, dead=0)

    async def test_a_slow_subscription_holds_up_no_other_and_gets_all_of_twenty_thousand_events(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        slow, fast, sent = SlowHandler(), RecordingHandler(), new_messages(type, EVENTS)
        other = Subscription(f"{subscription.name}-other", [type])
        async with (
            broker.consuming(subscription, slow, CONCURRENCY),
            broker.consuming(other, fast, CONCURRENCY),
        ):
            await publish_all(broker, sent)
            async with asyncio.timeout(LONG_SECONDS):
                while len(fast.deliveries) < EVENTS:  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(0.1)
                assert len(slow.bodies) < EVENTS
                while len(slow.bodies) < EVENTS:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        assert set(fast.bodies) == slow.bodies == set(bodies_of(sent))
        assert await broker.depth(subscription) == Depth(waiting=0, dead=0)


def _processor(subscription: Subscription, handle: Handle, database: FlappingDatabase) -> MessageProcessor:
    """Tries each message once, and returns it as soon as it may."""
    memory = MemoryDatabase()
    return MessageProcessor(
        subscription.name,
        {type: EventHandler(1, AnyData, handle) for type in subscription.types},
        transactions=Transactions(memory, Retries()),
        inbox=MemoryMessageStorage(memory).inbox,
        policy=RetryPolicy(attempts=1, backoff=Backoff(first=0.05, longest=0.1)),
        metrics=ConsumerMetrics(CollectorRegistry()),
        now=utc_now,
        check=database.check,
        long_outage_seconds=0.01,
    )
