"""Messages that leave no room for the headers of a dead letter."""

from collections.abc import AsyncIterator

import pytest
from nats.js import JetStreamContext

from chassis.errors import Unavailable
from chassis.messaging.brokers.nats import NatsBroker
from chassis.messaging.brokers.nats.broker import HEADER_BYTES
from chassis.messaging.port import Dead, DeadLetter, DeadLetterIncomplete, Message, Subscription
from chassis.testing.brokers import (
    CONCURRENCY,
    BrokerFixtures,
    RecordingHandler,
    eventually_true,
    has_dead,
    new_messages,
)

LARGEST = 1_048_576
BODY = b"x" * (LARGEST - 100)
HEADERS = 65_500  # nearly all that JetStream accepts


@pytest.fixture(autouse=True)
async def same_connection(broker: NatsBroker) -> AsyncIterator[None]:
    """The server closes a connection that sends more than it accepts: it must be the same one at the end."""
    before = broker._connection.session()
    yield
    assert broker._connection.session() is before


class TestLargeMessages(BrokerFixtures):
    """The server counts headers and body; a dead letter has more headers than its message."""

    async def test_a_message_without_room_for_more_headers_is_dead_lettered_without_its_body(
        self, broker: NatsBroker, jetstream: JetStreamContext, subscription: Subscription, type: str
    ) -> None:
        dead_letter = await dead_letter_of(broker, jetstream, subscription, type, headers=None)
        stream = type.partition(".")[0]
        assert (dead_letter.reason, dead_letter.attempts, dead_letter.headers, dead_letter.body) == (
            "unreadable",
            1,
            {},
            b"",
        )
        assert (
            dead_letter.left_out == f"headers and body; the original, {len(BODY)} bytes, is number 1 of stream {stream}"
        )

    async def test_it_is_replayed_from_its_stream_repeatedly(
        self, broker: NatsBroker, jetstream: JetStreamContext, subscription: Subscription, type: str
    ) -> None:
        first = await dead_letter_of(broker, jetstream, subscription, type, headers={"Who": "me"})
        again = RecordingHandler(lambda _: Dead("still unreadable"))
        async with broker.consuming(subscription, again, CONCURRENCY):
            await broker.replay(subscription, first.id)
            await again.wait_for(BODY)
            await eventually_true(lambda: has_dead(broker, subscription, 1))
        [second] = await broker.dead_letters(subscription, 10)
        assert (second.reason, second.left_out) == ("still unreadable", first.left_out)
        done = RecordingHandler()
        async with broker.consuming(subscription, done, CONCURRENCY):
            await broker.replay(subscription, second.id)
            await done.wait_for(BODY)
        assert (done.deliveries[0].headers, done.deliveries[0].attempt) == ({"Who": "me"}, 1)
        assert list(await broker.dead_letters(subscription, 10)) == []

    async def test_if_its_original_no_longer_exists_it_stays_a_dead_letter_and_the_error_names_it(
        self, broker: NatsBroker, jetstream: JetStreamContext, subscription: Subscription, type: str
    ) -> None:
        dead_letter = await dead_letter_of(broker, jetstream, subscription, type, headers=None)
        await jetstream.delete_msg(type.partition(".")[0], 1)
        with pytest.raises(DeadLetterIncomplete, match="no longer exists"):
            await broker.replay(subscription, dead_letter.id)
        assert await broker.dead_letters(subscription, 10) == [dead_letter]

    async def test_an_original_deleted_before_its_replay_is_handled_makes_a_dead_letter_again(
        self, broker: NatsBroker, jetstream: JetStreamContext, subscription: Subscription, type: str
    ) -> None:
        dead_letter = await dead_letter_of(broker, jetstream, subscription, type, headers=None)
        await broker.replay(subscription, dead_letter.id)
        await jetstream.delete_msg(type.partition(".")[0], 1)
        handler = RecordingHandler()
        async with broker.consuming(subscription, handler, CONCURRENCY):
            await eventually_true(lambda: has_dead(broker, subscription, 1))
        [again] = await broker.dead_letters(subscription, 10)
        assert "no longer exists" in again.reason
        assert handler.deliveries == []

    async def test_headers_that_leave_no_room_are_dropped_first(
        self, broker: NatsBroker, jetstream: JetStreamContext, subscription: Subscription, type: str
    ) -> None:
        handler = RecordingHandler(lambda _: Dead("unreadable"))
        async with broker.consuming(subscription, handler, CONCURRENCY):
            await jetstream.publish(f"events.{type}", b"short", headers={"Long": "x" * HEADERS})
            await eventually_true(lambda: has_dead(broker, subscription, 1))
        [dead_letter] = await broker.dead_letters(subscription, 10)
        assert (dead_letter.body, dead_letter.headers) == (b"short", {})
        assert dead_letter.left_out.startswith("headers; the original")

    async def test_headers_of_other_clients_are_not_read_as_those_of_a_dead_letter(
        self, broker: NatsBroker, jetstream: JetStreamContext, subscription: Subscription, type: str
    ) -> None:
        handler = RecordingHandler(lambda _: Dead("unreadable"))
        pretended = {"Dead-Letter-Original": "secrets 1 1 1", "Dead-Letter-Left-Out": "headers and body"}
        async with broker.consuming(subscription, handler, CONCURRENCY):
            await jetstream.publish(f"events.{type}", b"mine", headers=pretended)
            await eventually_true(lambda: has_dead(broker, subscription, 1))
        [dead_letter] = await broker.dead_letters(subscription, 10)
        assert (dead_letter.body, dead_letter.left_out) == (b"mine", "")

    async def test_an_event_with_headers_beyond_the_limit_alone_is_refused(self, broker: NatsBroker, type: str) -> None:
        beyond = Message("i" * HEADER_BYTES, type, "a", b"x" * (LARGEST - HEADER_BYTES))
        [small] = new_messages(type, 1)
        assert list(await broker.publish([beyond, small])) == [small.id]
        with pytest.raises(Unavailable, match="larger than the server accepts"):
            await broker.publish([beyond])


async def dead_letter_of(
    broker: NatsBroker,
    jetstream: JetStreamContext,
    subscription: Subscription,
    type: str,
    headers: dict[str, str] | None,
) -> DeadLetter:
    """Publish the body as another service does, and have it dead-lettered."""
    handler = RecordingHandler(lambda _: Dead("unreadable"))
    async with broker.consuming(subscription, handler, CONCURRENCY):
        await jetstream.publish(f"events.{type}", BODY, headers=headers)
        await eventually_true(lambda: has_dead(broker, subscription, 1))
    assert len(handler.deliveries) == 1
    [dead_letter] = await broker.dead_letters(subscription, 10)
    return dead_letter
