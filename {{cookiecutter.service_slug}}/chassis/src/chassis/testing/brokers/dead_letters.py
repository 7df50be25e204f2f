"""The conformance suite of broker adapters: messages that cannot be handled."""

from collections.abc import Sequence

import pytest

from ...messaging.port import (
    CONTENT_TYPE,
    Broker,
    Dead,
    DeadLetterNotFound,
    Delivery,
    Depth,
    Message,
    Retry,
    Subscription,
    Verdict,
)
from .delivery import BrokerFixtures
from .recording import CONCURRENCY, RecordingHandler, bodies_of, eventually_true, has_dead, new_messages

UNKNOWN_ID = "0f8b1c52-93a4-4d0e-8f2f-5f6f1f0a7c11"


class DeadLetterConformance(BrokerFixtures):
    """Dead letters: kept as they were sent, listed, replayed, discarded."""

    async def test_a_dead_message_is_kept_as_it_was_sent_with_its_reason(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        def decide(delivery: Delivery) -> Verdict:
            return Retry(0.05, "not yet") if delivery.attempt < 3 else Dead("quantity: must be 1 or more \N{SNOWMAN}")

        handler = RecordingHandler(decide)
        [message] = new_messages(type, 1)
        async with broker.consuming(subscription, handler, CONCURRENCY):
            await broker.publish([message])
            await eventually_true(lambda: has_dead(broker, subscription, 1))
        [dead] = await broker.dead_letters(subscription, limit=10)
        assert dead.reason == "quantity: must be 1 or more \N{SNOWMAN}"
        assert dead.attempts == 3
        assert dead.body == message.body
        assert dead.headers["content-type"] == CONTENT_TYPE
        assert dead.failed_at.tzinfo is not None
        assert await broker.dead_letter(subscription, dead.id) == dead
        assert await broker.depth(subscription) == Depth(waiting=0, dead=1)

    async def test_dead_letters_are_listed_oldest_first_and_listing_removes_none(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        sent = new_messages(type, 5, key="one")
        await dead_letter_all(broker, subscription, sent)
        assert [dead.body for dead in await broker.dead_letters(subscription, limit=3)] == bodies_of(sent[:3])
        assert [dead.body for dead in await broker.dead_letters(subscription, limit=10)] == bodies_of(sent)

    async def test_a_replayed_dead_letter_is_delivered_as_new_and_deleted(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        sent = new_messages(type, 3, key="one")
        other, earlier = Subscription(f"{subscription.name}-other", [type]), RecordingHandler()
        async with broker.consuming(other, earlier, CONCURRENCY):
            await dead_letter_all(broker, subscription, sent)
            await earlier.wait_for(*bodies_of(sent))
        later = RecordingHandler()
        handler = RecordingHandler()
        dead = (await broker.dead_letters(subscription, limit=10))[1]
        async with (
            broker.consuming(subscription, handler, CONCURRENCY),
            broker.consuming(other, later, CONCURRENCY),
        ):
            await broker.replay(subscription, dead.id)
            await handler.wait_for(sent[1].body)
        assert [(delivery.body, delivery.attempt) for delivery in handler.deliveries] == [(sent[1].body, 1)]
        assert handler.deliveries[0].headers["content-type"] == CONTENT_TYPE
        assert later.deliveries == []
        left = [dead.body for dead in await broker.dead_letters(subscription, limit=10)]
        assert left == [sent[0].body, sent[2].body]
        with pytest.raises(DeadLetterNotFound):
            await broker.replay(subscription, dead.id)
        with pytest.raises(DeadLetterNotFound):
            await broker.dead_letter(subscription, dead.id)

    async def test_a_discarded_dead_letter_is_deleted_and_not_delivered(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        sent = new_messages(type, 3, key="one")
        await dead_letter_all(broker, subscription, sent)
        dead = await broker.dead_letters(subscription, limit=10)
        await broker.discard(subscription, dead[1].id)
        left = [each.body for each in await broker.dead_letters(subscription, limit=10)]
        assert left == [sent[0].body, sent[2].body]
        assert await broker.depth(subscription) == Depth(waiting=0, dead=2)
        for operation in (broker.discard, broker.replay, broker.dead_letter):
            with pytest.raises(DeadLetterNotFound):
                await operation(subscription, dead[1].id)
        handler = RecordingHandler()
        async with broker.consuming(subscription, handler, CONCURRENCY):
            await broker.replay(subscription, dead[2].id)
            await handler.wait_for(sent[2].body)
        assert bodies_of(sent[2:]) == [delivery.body for delivery in handler.deliveries]

    async def test_only_the_subscription_of_a_dead_letter_can_discard_it(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        other = Subscription(f"{subscription.name}-other", [type])
        await dead_letter_all(broker, subscription, new_messages(type, 1))
        [dead] = await broker.dead_letters(subscription, limit=10)
        with pytest.raises(DeadLetterNotFound):
            await broker.discard(other, dead.id)
        assert await broker.dead_letters(subscription, limit=10) == [dead]

    @pytest.mark.parametrize("id", ["", "no such dead letter", "0", "999999", "1-1", "../x", UNKNOWN_ID])
    async def test_an_unknown_id_raises_dead_letter_not_found(
        self, broker: Broker, subscription: Subscription, id: str
    ) -> None:
        assert list(await broker.dead_letters(subscription, limit=10)) == []
        with pytest.raises(DeadLetterNotFound):
            await broker.dead_letter(subscription, id)
        with pytest.raises(DeadLetterNotFound):
            await broker.replay(subscription, id)
        with pytest.raises(DeadLetterNotFound):
            await broker.discard(subscription, id)


async def dead_letter_all(broker: Broker, subscription: Subscription, sent: Sequence[Message]) -> None:
    """Publish these, and let a consumer dead-letter each."""
    async with broker.consuming(subscription, RecordingHandler(lambda _: Dead("no")), 1):
        await broker.publish(sent)
        await eventually_true(lambda: has_dead(broker, subscription, len(sent)))
