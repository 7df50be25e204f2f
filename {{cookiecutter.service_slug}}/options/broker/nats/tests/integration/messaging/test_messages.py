"""What messages may look like, and what becomes of them."""

import asyncio

import pytest
from nats.js import JetStreamContext

from {{ cookiecutter.package_name }}.infrastructure.messaging import handlers, topology
from {{ cookiecutter.package_name }}.infrastructure.messaging.nats import HEADER_BYTES
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
    Broker,
    Dead,
    Message,
    Subscription,
)

from ...brokers import CONCURRENCY, BrokerFixtures
from ...deliveries import Handled, has_dead, messages, until, until_true

LARGEST = 1_048_576 - HEADER_BYTES


class TestMessages(BrokerFixtures):
    """Beyond the contract of every broker."""

    async def test_a_foreign_message_is_put_aside_with_its_headers_and_comes_back_with_them(
        self, broker: Broker, jetstream: JetStreamContext, subscription: Subscription, type: str
    ) -> None:
        body = bytes(range(256))
        headers = {"traceparent": "00-1-2-01", "Who": "J\N{LATIN SMALL LETTER U WITH DIAERESIS}rgen"}
        first, second = Handled(lambda _: Dead("line one\nline two: \N{SNOWMAN} 100 %")), Handled()
        async with broker.consuming(subscription, first, CONCURRENCY):
            await jetstream.publish(f"events.{type}", body, headers=headers)
            await until_true(lambda: has_dead(broker, subscription, 1))
        [letter] = await broker.dead_letters(subscription, 10)
        assert (letter.body, letter.headers) == (body, headers)
        assert letter.reason == "line one\nline two: \N{SNOWMAN} 100 %"
        await broker.replay(subscription, letter.id)
        async with broker.consuming(subscription, second, CONCURRENCY):
            await second.wait_for(body)
        assert second.deliveries[0].headers == headers

    async def test_what_somebody_has_put_among_the_dead_letters_by_hand_is_one_too(
        self, broker: Broker, jetstream: JetStreamContext, subscription: Subscription
    ) -> None:
        handled = Handled()
        async with broker.consuming(subscription, handled, CONCURRENCY):
            await jetstream.publish(f"dead-letters.{subscription.name}", b"by hand")
            [letter] = await broker.dead_letters(subscription, 10)
            assert (letter.body, letter.reason, letter.attempts) == (b"by hand", "", 0)
            await broker.replay(subscription, letter.id)
            await handled.wait_for(b"by hand")

    async def test_two_subscriptions_put_the_same_event_aside(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        other = Subscription(f"{subscription.name}-other", [type])
        async with (
            broker.consuming(subscription, Handled(lambda _: Dead("no")), CONCURRENCY),
            broker.consuming(other, Handled(lambda _: Dead("nor here")), CONCURRENCY),
        ):
            await broker.publish(messages(type, 1))
            await until_true(lambda: has_dead(broker, subscription, 1))
            await until_true(lambda: has_dead(broker, other, 1))
        [letter] = await broker.dead_letters(other, 10)
        assert letter.reason == "nor here"

    async def test_what_can_be_published_can_be_put_aside_and_more_is_refused_by_itself(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        large = Message("large", type, "a", b"x" * LARGEST)
        too_large = Message("too large", type, "b", b"x" * (LARGEST + 1))
        [small] = messages(type, 1)
        handled = Handled(lambda _: Dead("\N{SNOWMAN}" * 10_000))
        async with broker.consuming(subscription, handled, CONCURRENCY):
            assert set(await broker.publish([large, too_large, small])) == {"large", small.id}
            await until_true(lambda: has_dead(broker, subscription, 2))

    async def test_a_message_stays_with_its_handler_and_comes_again_only_when_the_process_is_gone(
        self,
        broker: Broker,
        another: Broker,
        subscription: Subscription,
        type: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(topology, "ACK_WAIT_SECONDS", 0.5)
        monkeypatch.setattr(handlers, "ALIVE_SECONDS", 0.1)
        monkeypatch.setattr(handlers, "PATIENCE_SECONDS", 0.1)
        held, taken_over = Handled(gate=asyncio.Event()), Handled()
        [message] = messages(type, 1)
        async with broker.consuming(subscription, held, CONCURRENCY):
            await broker.publish([message])
            await until(lambda: held.running == 1)
            async with another.consuming(subscription, taken_over, CONCURRENCY):
                await asyncio.sleep(1.5)  # three times as long as the server waits
                assert taken_over.deliveries == []
                await broker.close()
                await taken_over.wait_for(message.body)
            assert held.gate is not None
            held.gate.set()
        assert [delivery.attempt for delivery in taken_over.deliveries] == [2]
