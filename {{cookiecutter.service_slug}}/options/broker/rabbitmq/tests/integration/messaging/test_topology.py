"""What lies on the server, as the server sees it."""

import asyncio
from uuid import uuid4

import pytest
from aiormq import spec
from aiormq.abc import AbstractChannel
from pamqp.common import FieldValue

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
    Dead,
    Delivery,
    Done,
    Retry,
    Subscription,
    Verdict,
)
from {{ cookiecutter.package_name }}.infrastructure.messaging.rabbitmq import RabbitBroker

from ...dead_letters import kill
from ...deliveries import Handled, bodies_of, has_dead, messages, until, until_true
from .conftest import opened

CONCURRENCY = 16
TYPE = f"test-{uuid4().hex}.thing.created"
QUORUM: dict[str, FieldValue] = {"x-queue-type": "quorum"}


@pytest.fixture
def subscription() -> Subscription:
    """A subscription that no other test uses."""
    return Subscription(f"test-{uuid4().hex}.history", [TYPE])


def leading_to(queue: str) -> dict[str, FieldValue]:
    """How a queue passes messages on: none may get lost on the way."""
    return {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


async def test_everything_is_durable_replicated_and_has_its_limits(
    broker: RabbitBroker, channel: AbstractChannel, broker_settings: BrokerSettings, subscription: Subscription
) -> None:
    async with broker.consuming(subscription, Handled(), CONCURRENCY):
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
    # The server refuses to declare anew what is there with other arguments.
    for queue, arguments in expected.items():
        await channel.queue_declare(queue, passive=True)
        await channel.queue_declare(queue, durable=True, arguments=arguments)
    await channel.exchange_declare(
        broker_settings.exchange, exchange_type="topic", durable=True, arguments={"alternate-exchange": spare}
    )


async def test_an_exchange_of_another_kind_is_told(channel: AbstractChannel, broker_settings: BrokerSettings) -> None:
    await channel.exchange_declare(broker_settings.exchange, exchange_type="direct", durable=True)
    async with opened(broker_settings) as broker:
        with pytest.raises(Unavailable, match="an exchange or queue exists with other arguments"):
            await broker.check()


async def test_an_event_that_nobody_takes_is_kept_aside(
    broker: RabbitBroker, channel: AbstractChannel, broker_settings: BrokerSettings
) -> None:
    [event] = messages(TYPE, 1)
    await broker.publish([event])
    kept = await channel.basic_get(f"{broker_settings.exchange}.unrouted", no_ack=True)
    assert kept.body == event.body
    assert kept.routing_key == TYPE


async def test_an_event_that_comes_back_is_not_confirmed_and_what_is_missing_is_declared_again(
    broker: RabbitBroker, channel: AbstractChannel, broker_settings: BrokerSettings
) -> None:
    sent = messages(TYPE, 250)
    assert len(await broker.publish(sent)) == 250
    await channel.queue_delete(f"{broker_settings.exchange}.unrouted")
    assert set(await broker.publish(sent)) == set()
    assert len(await broker.publish(sent)) == 250


async def test_a_queue_that_is_deleted_under_its_consumer_is_declared_again(
    broker: RabbitBroker, channel: AbstractChannel, subscription: Subscription
) -> None:
    handled = Handled()
    async with broker.consuming(subscription, handled, CONCURRENCY):
        # The publisher has its channel already: a new one would declare the queue before its consumer is told.
        before = messages(TYPE, 1)
        await broker.publish(before)
        await handled.wait_for(*bodies_of(before))
        await channel.queue_delete(subscription.name)

        async def is_taken() -> bool:
            await broker.publish(messages(TYPE, 1))
            return len(handled.deliveries) > 1

        await until_true(is_taken)


async def test_a_short_wait_is_not_held_up_by_a_long_one(broker: RabbitBroker, subscription: Subscription) -> None:
    long, short = messages(TYPE, 2)
    waits = {long.body: 60, short.body: 0.05}
    handled = Handled(lambda each: Retry(waits[each.body], "later") if each.attempt == 1 else Done())
    async with broker.consuming(subscription, handled, 1):
        await broker.publish([long, short])
        await until(lambda: handled.bodies == [long.body, short.body, short.body])


async def test_a_message_that_is_never_answered_becomes_a_dead_letter_and_can_be_replayed(
    broker: RabbitBroker, channel: AbstractChannel, subscription: Subscription
) -> None:
    async with broker.consuming(subscription, Handled(), CONCURRENCY):
        pass
    [event] = messages(TYPE, 1)
    await broker.publish([event])
    while isinstance((got := await channel.basic_get(subscription.name)).delivery, spec.Basic.GetOk):
        await channel.basic_nack(got.delivery.delivery_tag or 0, requeue=True)
    await until_true(lambda: has_dead(broker, subscription, 1))
    [letter] = await broker.dead_letters(subscription, limit=10)
    assert (letter.reason, letter.body) == ("delivery_limit", event.body)
    assert letter.attempts >= 100
    handled = Handled()
    async with broker.consuming(subscription, handled, CONCURRENCY):
        await broker.replay(subscription, letter.id)
        await handled.wait_for(event.body)
    assert handled.deliveries[0].attempt == 1


async def test_what_others_sent_with_a_message_survives_retries_death_and_replay(
    broker: RabbitBroker, channel: AbstractChannel, subscription: Subscription
) -> None:
    def decide(delivery: Delivery) -> Verdict:
        return Retry(0.05, "not yet") if delivery.attempt == 1 else Dead("no" * 5_000)

    properties = spec.Basic.Properties(
        content_type="text/plain",
        headers={"tenant": "north", "priority": 3, "nested": {"a": [1]}},
        correlation_id="c-1",
        message_id="m-1",
        message_type="greeting",
        delivery_mode=2,
    )
    async with broker.consuming(subscription, Handled(decide), CONCURRENCY):
        await channel.basic_publish(b"", routing_key=subscription.name, properties=properties)
        await until_true(lambda: has_dead(broker, subscription, 1))
    [letter] = await broker.dead_letters(subscription, limit=10)
    assert letter.headers == {
        "content-type": "text/plain",
        "tenant": "north",
        "priority": "3",
        "nested": "{'a': [1]}",
    }
    await broker.replay(subscription, letter.id)
    again = await channel.basic_get(subscription.name, no_ack=True)
    assert again.body == b""
    assert again.header.properties.headers is not None
    again.header.properties.headers.pop("x-delivery-count", None)  # noted by the server at each delivery
    assert dict(again.header.properties) == dict(properties)


async def test_many_may_look_at_dead_letters_at_once(
    broker: RabbitBroker, another: RabbitBroker, subscription: Subscription
) -> None:
    sent = messages(TYPE, 100, key="one")
    await kill(broker, subscription, sent)
    limits = [5, 20, 1000]
    looks = [each.dead_letters(subscription, limit) for limit in limits for each in (broker, another)]
    for limit, letters in zip(sorted(limits * 2), await asyncio.gather(*looks), strict=True):
        assert [letter.body for letter in letters] == bodies_of(sent)[:limit]
    assert (await broker.depth(subscription)).dead == 100
