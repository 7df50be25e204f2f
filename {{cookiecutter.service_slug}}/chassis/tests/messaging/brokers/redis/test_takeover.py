"""Messages of processes that are slow or dead, and many processes at once."""

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest
from redis import Redis

from chassis.messaging.brokers.redis import BrokerSettings
from chassis.messaging.port import Broker, Delivery, Depth, Done, Retry, Subscription, Verdict, channel_of
from chassis.testing.brokers import RecordingHandler, eventually, new_messages

from .conftest import closing


@pytest.fixture
def broker_settings(broker_settings: BrokerSettings) -> BrokerSettings:
    """A very short takeover."""
    return broker_settings.model_copy(update={"takeover_seconds": 0.5})


def first(verdict: Verdict) -> RecordingHandler:
    """Returns this verdict on the first delivery of a message, and Done on the next."""

    def decide(delivery: Delivery) -> Verdict:
        return verdict if delivery.attempt == 1 else Done()

    return RecordingHandler(decide)


async def test_messages_of_a_dead_process_are_redelivered_and_count_the_attempt(
    broker: Broker, type: str, subscription: Subscription, server: Redis
) -> None:
    async with broker.consuming(subscription, RecordingHandler(), 1):
        pass
    sent = new_messages(type, 3)
    await broker.publish(sent)
    stream = f"events:{channel_of(type)}"
    server.xreadgroup(subscription.name, "killed", {stream: ">"})
    handler = RecordingHandler()
    async with broker.consuming(subscription, handler, 2):
        await eventually(lambda: len(handler.deliveries) == 3)
    assert [delivery.attempt for delivery in handler.deliveries] == [2, 2, 2]
    assert server.xpending(stream, subscription.name)["pending"] == 0


async def test_a_slow_handler_keeps_its_message(
    broker: Broker, another: Broker, type: str, subscription: Subscription
) -> None:
    gate = asyncio.Event()
    slow, idle = RecordingHandler(gate=gate), RecordingHandler()
    async with broker.consuming(subscription, slow, 1):
        await broker.publish(new_messages(type, 1))
        await eventually(lambda: slow.running == 1)
        async with another.consuming(subscription, idle, 1):
            await asyncio.sleep(2)  # four times the takeover
        gate.set()
    assert (len(slow.deliveries), idle.deliveries) == (1, [])
    assert await broker.depth(subscription) == Depth(waiting=0, dead=0)


async def test_a_message_waiting_for_its_retry_outlives_its_process(
    broker: Broker, type: str, subscription: Subscription
) -> None:
    retrying, later = first(Retry(0.3, "not yet")), RecordingHandler()
    async with broker.consuming(subscription, retrying, 1):
        await broker.publish(new_messages(type, 1))
        await eventually(lambda: len(retrying.deliveries) == 1)
    async with broker.consuming(subscription, later, 1):
        await eventually(lambda: len(later.deliveries) == 1)
    assert later.deliveries[0].attempt == 2


async def test_one_of_many_consumers_claims_a_message_that_is_due(
    broker_settings: BrokerSettings, type: str, subscription: Subscription
) -> None:
    handler = first(Retry(0.2, "not yet"))
    async with AsyncExitStack() as stack:
        for _ in range(6):
            broker = await stack.enter_async_context(closing(broker_settings))
            await stack.enter_async_context(broker.consuming(subscription, handler, 4))
        await broker.publish(new_messages(type, 200))
        await eventually(lambda: len(handler.deliveries) >= 400)
    assert set(Counter(handler.bodies).values()) == {2}


async def test_fetched_messages_without_a_handler_go_to_others_at_the_end(
    broker: Broker, another: Broker, type: str, subscription: Subscription
) -> None:
    other_type = type.replace(".thing.", ".other.")
    both = Subscription(subscription.name, [type, other_type])
    gate = asyncio.Event()
    slow, rest = RecordingHandler(gate=gate), RecordingHandler()
    consuming = broker.consuming(both, slow, 1)
    await consuming.__aenter__()
    # One slot, two streams: the server may deliver an entry of each.
    await broker.publish([*new_messages(type, 5), *new_messages(other_type, 5)])
    await eventually(lambda: slow.running == 1)
    exiting = asyncio.create_task(_exit(consuming))
    async with another.consuming(both, rest, 4):
        await eventually(lambda: len(rest.deliveries) >= 8)
        gate.set()
        await exiting
        await eventually(lambda: len(rest.deliveries) + len(slow.deliveries) == 10)
    assert {delivery.attempt for delivery in rest.deliveries} == {1}


async def _exit(consuming: AbstractAsyncContextManager[None]) -> None:
    await consuming.__aexit__(None, None, None)
