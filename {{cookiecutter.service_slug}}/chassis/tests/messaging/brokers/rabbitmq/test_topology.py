"""Exchanges and queues as the server sees them."""

import asyncio
from uuid import uuid4

import aio_pika
import pytest
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from pamqp.common import FieldValue

from chassis.background import Backoff
from chassis.errors import Unavailable
from chassis.messaging.brokers.rabbitmq import BrokerSettings, RabbitBroker, listener
from chassis.messaging.port import Dead, Delivery, Done, Retry, Subscription, Verdict
from chassis.testing.brokers import (
    CONCURRENCY,
    RecordingHandler,
    bodies_of,
    dead_letter_all,
    eventually,
    eventually_true,
    has_dead,
    new_messages,
)
from tests.support.logs import log_output

from .conftest import opened

TYPE = f"test-{uuid4().hex}.thing.created"
QUORUM: dict[str, FieldValue] = {"x-queue-type": "quorum"}


@pytest.fixture
def subscription() -> Subscription:
    """A subscription that no other test uses."""
    return Subscription(f"test-{uuid4().hex}.history", [TYPE])


def leading_to(queue: str) -> dict[str, FieldValue]:
    """Arguments of a queue whose messages move to another one: none may get lost on the way."""
    return {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


async def test_everything_is_durable_replicated_and_has_its_limits(
    broker: RabbitBroker, channel: AbstractChannel, broker_settings: BrokerSettings, subscription: Subscription
) -> None:
    async with broker.consuming(subscription, RecordingHandler(), CONCURRENCY):
        pass
    name, dead = subscription.name, f"{subscription.name}.dead"
    spare = f"{broker_settings.exchange}.unrouted"
    expected: dict[str, dict[str, FieldValue]] = {
        name: QUORUM | leading_to(dead) | {"x-delivery-limit": 100},
        dead: QUORUM | {"x-delivery-limit": 1_000_000},
        **{f"{name}.retry-{level}s": QUORUM | leading_to(name) for level in (1, 5, 30, 180, 1800)},
        spare: QUORUM
        | {"x-overflow": "drop-head", "x-max-length": 100_000, "x-max-length-bytes": 100_000_000}
        | {"x-message-ttl": 604_800_000, "x-delivery-limit": 1_000_000},
    }
    # The server refuses to declare again what exists with other arguments.
    for queue, arguments in expected.items():
        await channel.declare_queue(queue, passive=True)
        await channel.declare_queue(queue, durable=True, arguments=arguments)
    await channel.declare_exchange(
        broker_settings.exchange, ExchangeType.TOPIC, durable=True, arguments={"alternate-exchange": spare}
    )


async def test_an_exchange_of_another_type_is_reported(
    channel: AbstractChannel, broker_settings: BrokerSettings
) -> None:
    await channel.declare_exchange(broker_settings.exchange, ExchangeType.DIRECT, durable=True)
    async with opened(broker_settings) as broker:
        with pytest.raises(Unavailable, match="an exchange or queue exists with other arguments"):
            await broker.check()


async def test_an_event_without_subscribers_is_kept_in_the_queue_of_unrouted_events(
    broker: RabbitBroker, channel: AbstractChannel, broker_settings: BrokerSettings
) -> None:
    [event] = new_messages(TYPE, 1)
    assert await broker.unrouted() == 0
    await broker.publish([event])

    async def is_counted() -> bool:
        return await broker.unrouted() == 1

    await eventually_true(is_counted)
    unrouted = await channel.get_queue(f"{broker_settings.exchange}.unrouted")
    kept = await unrouted.get(no_ack=True)
    assert kept.body == event.body
    assert kept.routing_key == TYPE


async def test_a_returned_event_is_not_confirmed_and_the_missing_queue_is_declared_again(
    broker: RabbitBroker, channel: AbstractChannel, broker_settings: BrokerSettings
) -> None:
    sent = new_messages(TYPE, 250)
    assert len(await broker.publish(sent)) == 250
    await channel.queue_delete(f"{broker_settings.exchange}.unrouted")
    assert set(await broker.publish(sent)) == set()
    assert len(await broker.publish(sent)) == 250


async def test_a_queue_deleted_while_consuming_is_declared_again(
    broker: RabbitBroker, channel: AbstractChannel, subscription: Subscription
) -> None:
    handler = RecordingHandler()
    async with broker.consuming(subscription, handler, CONCURRENCY):
        # The publisher already has its channel: a new one would declare the queue before the consumer notices.
        before = new_messages(TYPE, 1)
        await broker.publish(before)
        await handler.wait_for(*bodies_of(before))
        await channel.queue_delete(subscription.name)

        async def is_consumed() -> bool:
            await broker.publish(new_messages(TYPE, 1))
            return len(handler.deliveries) > 1

        await eventually_true(is_consumed)


async def test_an_event_published_once_the_consumer_of_a_deleted_queue_is_canceled_is_kept_for_it(
    broker: RabbitBroker, channel: AbstractChannel, subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "AGAIN", Backoff(first=60, longest=60))  # the publisher comes first
    [event] = new_messages(TYPE, 1)
    with log_output() as log:
        async with broker.consuming(subscription, RecordingHandler(), CONCURRENCY):
            await broker.check()  # the publisher has declared everything
            await channel.queue_delete(subscription.name)
            await eventually(lambda: "consuming interrupted" in log.getvalue())
            assert await broker.publish([event]) == {event.id}
            queue = await channel.get_queue(subscription.name)
            assert (await queue.get(no_ack=True)).body == event.body


async def test_a_queue_that_is_deleted_and_declared_again_at_once_is_consumed_again(
    broker: RabbitBroker, channel: AbstractChannel, subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "SILENCE_SECONDS", 0.3)
    handler, sent = RecordingHandler(), new_messages(TYPE, 3)
    async with broker.consuming(subscription, handler, CONCURRENCY):
        await broker.publish(sent[:1])
        await handler.wait_for(*bodies_of(sent[:1]))
        await channel.queue_delete(subscription.name)
        await channel.declare_queue(
            subscription.name,
            durable=True,
            arguments=QUORUM | leading_to(f"{subscription.name}.dead") | {"x-delivery-limit": 100},
        )
        for each in sent[1:]:
            await channel.default_exchange.publish(aio_pika.Message(each.body), subscription.name)
        await handler.wait_for(*bodies_of(sent))


async def test_a_short_retry_does_not_wait_for_a_long_one(broker: RabbitBroker, subscription: Subscription) -> None:
    long, short = new_messages(TYPE, 2)
    waits = {long.body: 60, short.body: 0.05}
    handler = RecordingHandler(lambda each: Retry(waits[each.body], "later") if each.attempt == 1 else Done())
    async with broker.consuming(subscription, handler, 1):
        await broker.publish([long, short])
        await eventually(lambda: handler.bodies == [long.body, short.body, short.body])


async def test_a_message_that_is_never_acknowledged_is_dead_lettered_by_the_broker_and_can_be_replayed(
    broker: RabbitBroker, channel: AbstractChannel, subscription: Subscription
) -> None:
    async with broker.consuming(subscription, RecordingHandler(), CONCURRENCY):
        pass
    [event] = new_messages(TYPE, 1)
    await broker.publish([event])
    queue = await channel.get_queue(subscription.name)
    while (received := await queue.get(fail=False)) is not None:
        await received.nack(requeue=True)
    await eventually_true(lambda: has_dead(broker, subscription, 1))
    [dead_letter] = await broker.dead_letters(subscription, limit=10)
    assert (dead_letter.reason, dead_letter.body) == ("delivery_limit", event.body)
    assert dead_letter.attempts >= 100
    handler = RecordingHandler()
    async with broker.consuming(subscription, handler, CONCURRENCY):
        await broker.replay(subscription, dead_letter.id)
        await handler.wait_for(event.body)
    assert handler.deliveries[0].attempt == 1


async def test_properties_of_other_clients_survive_retry_dead_letter_and_replay(
    broker: RabbitBroker, channel: AbstractChannel, subscription: Subscription
) -> None:
    def decide(delivery: Delivery) -> Verdict:
        return Retry(0.05, "not yet") if delivery.attempt == 1 else Dead("no" * 5_000)

    sent = aio_pika.Message(
        b"",
        content_type="text/plain",
        headers={"tenant": "north", "priority": 3, "nested": {"a": [1]}},
        correlation_id="c-1",
        message_id="m-1",
        type="greeting",
        priority=3,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
    async with broker.consuming(subscription, RecordingHandler(decide), CONCURRENCY):
        await channel.default_exchange.publish(sent, routing_key=subscription.name)
        await eventually_true(lambda: has_dead(broker, subscription, 1))
    [dead_letter] = await broker.dead_letters(subscription, limit=10)
    assert dead_letter.headers == {
        "content-type": "text/plain",
        "tenant": "north",
        "priority": "3",
        "nested": "{'a': [1]}",
    }
    await broker.replay(subscription, dead_letter.id)
    again = await (await channel.get_queue(subscription.name)).get(no_ack=True)
    received = again.properties
    assert received.headers is not None
    received.headers.pop("x-delivery-count", None)  # set by the server at each delivery
    assert again.body == b""
    assert dict(received) == dict(sent.properties)


async def test_several_processes_may_list_dead_letters_at_once(
    broker: RabbitBroker, another: RabbitBroker, subscription: Subscription
) -> None:
    sent = new_messages(TYPE, 100, key="one")
    await dead_letter_all(broker, subscription, sent)
    limits = [5, 20, 1000]
    listings = [each.dead_letters(subscription, limit) for limit in limits for each in (broker, another)]
    for limit, dead_letters in zip(sorted(limits * 2), await asyncio.gather(*listings), strict=True):
        assert [each.body for each in dead_letters] == bodies_of(sent)[:limit]
    assert (await broker.depth(subscription)).dead == 100
