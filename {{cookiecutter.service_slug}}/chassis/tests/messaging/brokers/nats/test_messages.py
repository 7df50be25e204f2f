"""What messages may contain, and what becomes of them."""

import asyncio

import pytest
from nats.js import JetStreamContext

from chassis.messaging.brokers.nats import NatsBroker, dispatcher, topology
from chassis.messaging.brokers.nats.broker import HEADER_BYTES
from chassis.messaging.port import Dead, Message, Subscription
from chassis.testing.brokers import (
    CONCURRENCY,
    BrokerFixtures,
    RecordingHandler,
    eventually,
    eventually_true,
    has_dead,
    new_messages,
)

LARGEST = 1_048_576 - HEADER_BYTES


class TestMessages(BrokerFixtures):
    """Messages beyond the suite of every broker."""

    async def test_a_dead_letter_of_another_client_keeps_its_headers_and_is_replayed_with_them(
        self, broker: NatsBroker, jetstream: JetStreamContext, subscription: Subscription, type: str
    ) -> None:
        body = bytes(range(256))
        headers = {"traceparent": "00-1-2-01", "Who": "J\N{LATIN SMALL LETTER U WITH DIAERESIS}rgen"}
        first, second = RecordingHandler(lambda _: Dead("line one\nline two: \N{SNOWMAN} 100 %")), RecordingHandler()
        async with broker.consuming(subscription, first, CONCURRENCY):
            await jetstream.publish(f"events.{type}", body, headers=headers)
            await eventually_true(lambda: has_dead(broker, subscription, 1))
        [dead_letter] = await broker.dead_letters(subscription, 10)
        assert (dead_letter.body, dead_letter.headers) == (body, headers)
        assert dead_letter.reason == "line one\nline two: \N{SNOWMAN} 100 %"
        await broker.replay(subscription, dead_letter.id)
        async with broker.consuming(subscription, second, CONCURRENCY):
            await second.wait_for(body)
        assert second.deliveries[0].headers == headers

    async def test_a_message_put_among_the_dead_letters_by_hand_is_one_too(
        self, broker: NatsBroker, jetstream: JetStreamContext, subscription: Subscription
    ) -> None:
        handler = RecordingHandler()
        async with broker.consuming(subscription, handler, CONCURRENCY):
            await jetstream.publish(f"dead-letters.{subscription.name}", b"by hand")
            [dead_letter] = await broker.dead_letters(subscription, 10)
            assert (dead_letter.body, dead_letter.reason, dead_letter.attempts) == (b"by hand", "", 0)
            await broker.replay(subscription, dead_letter.id)
            await handler.wait_for(b"by hand")

    async def test_two_subscriptions_dead_letter_the_same_event(
        self, broker: NatsBroker, subscription: Subscription, type: str
    ) -> None:
        other = Subscription(f"{subscription.name}-other", [type])
        async with (
            broker.consuming(subscription, RecordingHandler(lambda _: Dead("no")), CONCURRENCY),
            broker.consuming(other, RecordingHandler(lambda _: Dead("nor here")), CONCURRENCY),
        ):
            await broker.publish(new_messages(type, 1))
            await eventually_true(lambda: has_dead(broker, subscription, 1))
            await eventually_true(lambda: has_dead(broker, other, 1))
        [dead_letter] = await broker.dead_letters(other, 10)
        assert dead_letter.reason == "nor here"

    async def test_what_can_be_published_can_be_dead_lettered_and_larger_events_alone_are_refused(
        self, broker: NatsBroker, subscription: Subscription, type: str
    ) -> None:
        large = Message("large", type, "a", b"x" * LARGEST)
        too_large = Message("too large", type, "b", b"x" * (LARGEST + 1))
        [small] = new_messages(type, 1)
        handler = RecordingHandler(lambda _: Dead("\N{SNOWMAN}" * 10_000))
        async with broker.consuming(subscription, handler, CONCURRENCY):
            assert set(await broker.publish([large, too_large, small])) == {"large", small.id}
            await eventually_true(lambda: has_dead(broker, subscription, 2))

    async def test_a_message_stays_with_its_handler_and_is_redelivered_only_when_the_process_is_gone(
        self,
        broker: NatsBroker,
        another: NatsBroker,
        subscription: Subscription,
        type: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(topology, "ACK_WAIT_SECONDS", 0.5)
        monkeypatch.setattr(dispatcher, "ALIVE_SECONDS", 0.1)
        monkeypatch.setattr(dispatcher, "RECONNECT_SECONDS", 0.1)
        holding, taken_over = RecordingHandler(gate=asyncio.Event()), RecordingHandler()
        [message] = new_messages(type, 1)
        async with broker.consuming(subscription, holding, CONCURRENCY):
            await broker.publish([message])
            await eventually(lambda: holding.running == 1)
            async with another.consuming(subscription, taken_over, CONCURRENCY):
                await asyncio.sleep(1.5)  # three times as long as the server waits
                assert taken_over.deliveries == []
                await broker.close()
                await taken_over.wait_for(message.body)
            assert holding.gate is not None
            holding.gate.set()
        assert [delivery.attempt for delivery in taken_over.deliveries] == [2]
