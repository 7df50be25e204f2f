"""Messages of processes that are slow, gone, or many at once."""

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest
from redis import Redis

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.infrastructure.messaging import select_broker
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
    Broker,
    Delivery,
    Depth,
    Done,
    Retry,
    Subscription,
    Verdict,
    channel_of,
)

from ...deliveries import Handled, messages, until


@pytest.fixture
def broker_settings(broker_settings: BrokerSettings) -> BrokerSettings:
    """Gives up on others soon."""
    return broker_settings.model_copy(update={"takeover_seconds": 0.5})


def at_first(verdict: Verdict) -> Handled:
    """Says this of the first delivery of a message, and that it is done of the next one."""

    def decide(delivery: Delivery) -> Verdict:
        return verdict if delivery.attempt == 1 else Done()

    return Handled(decide)


async def test_what_a_process_took_with_it_is_delivered_to_another_one_and_counts(
    broker: Broker, type: str, subscription: Subscription, server: Redis
) -> None:
    async with broker.consuming(subscription, Handled(), 1):
        pass
    sent = messages(type, 3)
    await broker.publish(sent)
    stream = f"events:{channel_of(type)}"
    server.xreadgroup(subscription.name, "killed", {stream: ">"})
    handled = Handled()
    async with broker.consuming(subscription, handled, 2):
        await until(lambda: len(handled.deliveries) == 3)
    assert [delivery.attempt for delivery in handled.deliveries] == [2, 2, 2]
    assert server.xpending(stream, subscription.name)["pending"] == 0


async def test_a_handler_that_takes_its_time_keeps_its_message(
    broker: Broker, another: Broker, type: str, subscription: Subscription
) -> None:
    slow, idle = Handled(gate=asyncio.Event()), Handled()
    async with broker.consuming(subscription, slow, 1):
        await broker.publish(messages(type, 1))
        await until(lambda: slow.running == 1)
        async with another.consuming(subscription, idle, 1):
            await asyncio.sleep(2)  # four times as long as others would wait
        assert slow.gate is not None
        slow.gate.set()
    assert (len(slow.deliveries), idle.deliveries) == (1, [])
    assert await broker.depth(subscription) == Depth(waiting=0, dead=0)


async def test_one_that_waits_outlives_the_process_that_put_it_back(
    broker: Broker, type: str, subscription: Subscription
) -> None:
    first, second = at_first(Retry(0.3, "not yet")), Handled()
    async with broker.consuming(subscription, first, 1):
        await broker.publish(messages(type, 1))
        await until(lambda: len(first.deliveries) == 1)
    async with broker.consuming(subscription, second, 1):
        await until(lambda: len(second.deliveries) == 1)
    assert second.deliveries[0].attempt == 2


async def test_of_many_who_look_for_what_is_due_one_gets_it(
    broker_settings: BrokerSettings, type: str, subscription: Subscription
) -> None:
    handled = at_first(Retry(0.2, "not yet"))
    async with AsyncExitStack() as stack:
        for _ in range(6):
            broker = select_broker(broker_settings)
            stack.push_async_callback(broker.close)
            await stack.enter_async_context(broker.consuming(subscription, handled, 4))
        await broker.publish(messages(type, 200))
        await until(lambda: len(handled.deliveries) >= 400)
    assert set(Counter(handled.bodies).values()) == {2}


async def test_what_was_fetched_and_not_begun_goes_to_others_at_the_end(
    broker: Broker, another: Broker, type: str, subscription: Subscription
) -> None:
    other_type = type.replace(".thing.", ".other.")
    both = Subscription(subscription.name, [type, other_type])
    slow, rest = Handled(gate=asyncio.Event()), Handled()
    consuming = broker.consuming(both, slow, 1)
    await consuming.__aenter__()
    # One slot, two streams: the server may hand over an entry of each.
    await broker.publish([*messages(type, 5), *messages(other_type, 5)])
    await until(lambda: slow.running == 1)
    leaving = asyncio.create_task(_leave(consuming))
    async with another.consuming(both, rest, 4):
        await until(lambda: len(rest.deliveries) >= 8)
        assert slow.gate is not None
        slow.gate.set()
        await leaving
        await until(lambda: len(rest.deliveries) + len(slow.deliveries) == 10)
    assert {delivery.attempt for delivery in rest.deliveries} == {1}


async def _leave(consuming: AbstractAsyncContextManager[None]) -> None:
    await consuming.__aexit__(None, None, None)
