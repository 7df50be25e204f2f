"""Messages that leave no room for what a dead letter says of them."""

from collections.abc import AsyncIterator

import pytest
from nats.js import JetStreamContext

from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.messaging.nats import HEADER_BYTES, NatsBroker
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
    Dead,
    DeadLetter,
    DeadLetterIncomplete,
    Message,
    Subscription,
)

from ...brokers import CONCURRENCY, BrokerFixtures
from ...deliveries import Handled, has_dead, messages, until_true

LARGEST = 1_048_576
BODY = b"x" * (LARGEST - 100)
HEADERS = 65_500  # nearly all that JetStream takes


@pytest.fixture(autouse=True)
async def same_connection(broker: NatsBroker) -> AsyncIterator[None]:
    """The server cuts off whoever sends more than it takes: the connection has to be the same at the end."""
    before = broker._connection.session()
    yield
    assert broker._connection.session() is before


class TestLargeMessages(BrokerFixtures):
    """The server counts headers and body; whoever sent the message had fewer headers."""

    async def test_without_room_for_its_letter_a_message_is_put_aside_all_the_same(
        self, broker: NatsBroker, jetstream: JetStreamContext, subscription: Subscription, type: str
    ) -> None:
        letter = await kill(broker, jetstream, subscription, type, headers=None)
        stream = type.partition(".")[0]
        assert (letter.reason, letter.attempts, letter.headers, letter.body) == ("unreadable", 1, {}, b"")
        assert letter.left_out == f"headers and body; the original, {len(BODY)} bytes, is number 1 of stream {stream}"

    async def test_it_is_replayed_from_its_stream_as_often_as_somebody_wants(
        self, broker: NatsBroker, jetstream: JetStreamContext, subscription: Subscription, type: str
    ) -> None:
        first = await kill(broker, jetstream, subscription, type, headers={"Who": "me"})
        again = Handled(lambda _: Dead("still unreadable"))
        async with broker.consuming(subscription, again, CONCURRENCY):
            await broker.replay(subscription, first.id)
            await again.wait_for(BODY)
            await until_true(lambda: has_dead(broker, subscription, 1))
        [second] = await broker.dead_letters(subscription, 10)
        assert (second.reason, second.left_out) == ("still unreadable", first.left_out)
        done = Handled()
        async with broker.consuming(subscription, done, CONCURRENCY):
            await broker.replay(subscription, second.id)
            await done.wait_for(BODY)
        assert (done.deliveries[0].headers, done.deliveries[0].attempt) == ({"Who": "me"}, 1)
        assert list(await broker.dead_letters(subscription, 10)) == []

    async def test_whose_original_is_gone_it_stays_a_letter_and_says_so(
        self, broker: NatsBroker, jetstream: JetStreamContext, subscription: Subscription, type: str
    ) -> None:
        letter = await kill(broker, jetstream, subscription, type, headers=None)
        await jetstream.delete_msg(type.partition(".")[0], 1)
        with pytest.raises(DeadLetterIncomplete, match="is gone"):
            await broker.replay(subscription, letter.id)
        assert await broker.dead_letters(subscription, 10) == [letter]

    async def test_one_that_is_gone_while_it_waits_to_be_replayed_is_a_dead_letter_again(
        self, broker: NatsBroker, jetstream: JetStreamContext, subscription: Subscription, type: str
    ) -> None:
        letter = await kill(broker, jetstream, subscription, type, headers=None)
        await broker.replay(subscription, letter.id)
        await jetstream.delete_msg(type.partition(".")[0], 1)
        handled = Handled()
        async with broker.consuming(subscription, handled, CONCURRENCY):
            await until_true(lambda: has_dead(broker, subscription, 1))
        [again] = await broker.dead_letters(subscription, 10)
        assert "is gone" in again.reason
        assert handled.deliveries == []

    async def test_headers_that_leave_no_room_are_given_up_first(
        self, broker: NatsBroker, jetstream: JetStreamContext, subscription: Subscription, type: str
    ) -> None:
        handled = Handled(lambda _: Dead("unreadable"))
        async with broker.consuming(subscription, handled, CONCURRENCY):
            await jetstream.publish(f"events.{type}", b"short", headers={"Long": "x" * HEADERS})
            await until_true(lambda: has_dead(broker, subscription, 1))
        [letter] = await broker.dead_letters(subscription, 10)
        assert (letter.body, letter.headers) == (b"short", {})
        assert letter.left_out.startswith("headers; the original")

    async def test_headers_of_others_do_not_pass_for_those_of_a_letter(
        self, broker: NatsBroker, jetstream: JetStreamContext, subscription: Subscription, type: str
    ) -> None:
        handled = Handled(lambda _: Dead("unreadable"))
        pretended = {"Dead-Letter-Original": "secrets 1 1 1", "Dead-Letter-Left-Out": "headers and body"}
        async with broker.consuming(subscription, handled, CONCURRENCY):
            await jetstream.publish(f"events.{type}", b"mine", headers=pretended)
            await until_true(lambda: has_dead(broker, subscription, 1))
        [letter] = await broker.dead_letters(subscription, 10)
        assert (letter.body, letter.left_out) == (b"mine", "")

    async def test_an_event_with_headers_beyond_the_limit_is_refused_by_itself(
        self, broker: NatsBroker, type: str
    ) -> None:
        beyond = Message("i" * HEADER_BYTES, type, "a", b"x" * (LARGEST - HEADER_BYTES))
        [small] = messages(type, 1)
        assert list(await broker.publish([beyond, small])) == [small.id]
        with pytest.raises(Unavailable, match="larger than the server takes"):
            await broker.publish([beyond])


async def kill(
    broker: NatsBroker,
    jetstream: JetStreamContext,
    subscription: Subscription,
    type: str,
    headers: dict[str, str] | None,
) -> DeadLetter:
    """Publish the body as another service does, and refuse it for good."""
    handled = Handled(lambda _: Dead("unreadable"))
    async with broker.consuming(subscription, handled, CONCURRENCY):
        await jetstream.publish(f"events.{type}", BODY, headers=headers)
        await until_true(lambda: has_dead(broker, subscription, 1))
    assert len(handled.deliveries) == 1
    [letter] = await broker.dead_letters(subscription, 10)
    return letter
