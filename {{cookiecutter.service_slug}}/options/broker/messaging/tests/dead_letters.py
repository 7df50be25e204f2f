"""What every broker adapter has to do with messages that cannot be handled."""

from collections.abc import Sequence
from uuid import uuid4

import pytest

from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
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

from .brokers import CONCURRENCY, BrokerFixtures
from .deliveries import Handled, bodies_of, has_dead, messages, until_true


class DeadLetterContract(BrokerFixtures):
    """What cannot be handled is put aside, and can be brought back."""

    async def test_a_dead_message_is_put_aside_as_it_was_with_its_reason(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        def decide(delivery: Delivery) -> Verdict:
            return Retry(0.05, "not yet") if delivery.attempt < 3 else Dead("quantity: must be 1 or more \N{SNOWMAN}")

        handled = Handled(decide)
        [message] = messages(type, 1)
        async with broker.consuming(subscription, handled, CONCURRENCY):
            await broker.publish([message])
            await until_true(lambda: has_dead(broker, subscription, 1))
        [letter] = await broker.dead_letters(subscription, limit=10)
        assert letter.reason == "quantity: must be 1 or more \N{SNOWMAN}"
        assert letter.attempts == 3
        assert letter.body == message.body
        assert letter.headers["content-type"] == CONTENT_TYPE
        assert letter.failed_at.tzinfo is not None
        assert await broker.dead_letter(subscription, letter.id) == letter
        assert await broker.depth(subscription) == Depth(waiting=0, dead=1)

    async def test_dead_letters_are_listed_oldest_first_and_stay(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        sent = messages(type, 5, key="one")
        await kill(broker, subscription, sent)
        assert [letter.body for letter in await broker.dead_letters(subscription, limit=3)] == bodies_of(sent[:3])
        assert [letter.body for letter in await broker.dead_letters(subscription, limit=10)] == bodies_of(sent)

    async def test_a_replayed_letter_is_delivered_as_new_and_no_dead_letter_any_more(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        sent = messages(type, 3, key="one")
        elsewhere, earlier = Subscription(f"{subscription.name}-other", [type]), Handled()
        async with broker.consuming(elsewhere, earlier, CONCURRENCY):
            await kill(broker, subscription, sent)
            await earlier.wait_for(*bodies_of(sent))
        other = Handled()
        handled = Handled()
        letter = (await broker.dead_letters(subscription, limit=10))[1]
        async with (
            broker.consuming(subscription, handled, CONCURRENCY),
            broker.consuming(elsewhere, other, CONCURRENCY),
        ):
            await broker.replay(subscription, letter.id)
            await handled.wait_for(sent[1].body)
        assert [(delivery.body, delivery.attempt) for delivery in handled.deliveries] == [(sent[1].body, 1)]
        assert handled.deliveries[0].headers["content-type"] == CONTENT_TYPE
        assert other.deliveries == []
        left = [letter.body for letter in await broker.dead_letters(subscription, limit=10)]
        assert left == [sent[0].body, sent[2].body]
        with pytest.raises(DeadLetterNotFound):
            await broker.replay(subscription, letter.id)
        with pytest.raises(DeadLetterNotFound):
            await broker.dead_letter(subscription, letter.id)

    @pytest.mark.parametrize("id", ["", "no such letter", "0", "999999", "1-1", "../x", str(uuid4())])
    async def test_says_so_when_there_is_no_such_letter(
        self, broker: Broker, subscription: Subscription, id: str
    ) -> None:
        assert list(await broker.dead_letters(subscription, limit=10)) == []
        with pytest.raises(DeadLetterNotFound):
            await broker.dead_letter(subscription, id)
        with pytest.raises(DeadLetterNotFound):
            await broker.replay(subscription, id)


async def kill(broker: Broker, subscription: Subscription, sent: Sequence[Message]) -> None:
    """Publish these, and refuse each for good."""
    async with broker.consuming(subscription, Handled(lambda _: Dead("no")), 1):
        await broker.publish(sent)
        await until_true(lambda: has_dead(broker, subscription, len(sent)))
