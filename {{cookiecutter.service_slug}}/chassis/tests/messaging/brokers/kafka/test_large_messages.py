"""Messages that are larger than a copy of them may be: a sender's compression brings them past the server's limit."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from confluent_kafka import Producer

from chassis.messaging.brokers.kafka import BrokerSettings
from chassis.messaging.port import (
    Broker,
    Dead,
    DeadLetter,
    DeadLetterIncomplete,
    Delivery,
    Depth,
    Done,
    Retry,
    Subscription,
    Verdict,
    channel_of,
)
from chassis.testing.brokers import (
    BrokerFixtures,
    RecordingHandler,
    eventually,
    eventually_true,
    has_dead,
    new_messages,
)
from chassis.testing.brokers.kafka import MockCluster

from .conftest import opened

SIZE = 2_000_000
PRODUCE = 0
MESSAGE_TOO_LARGE = 10
Send = Callable[[str, list[bytes]], Awaitable[None]]


@pytest.fixture
def send_large(broker_settings: BrokerSettings) -> Send:
    """Sends to the channel of a type, as another service does."""

    def send(type: str, bodies: list[bytes]) -> None:
        producer = Producer(
            {
                "bootstrap.servers": broker_settings.servers,
                "compression.type": "gzip",
                "message.max.bytes": 10 * SIZE,
            }
        )
        for body in bodies:
            producer.produce(channel_of(type), body, headers={"Who": b"me"})
        assert producer.flush(10) == 0

    async def send_in_thread(type: str, bodies: list[bytes]) -> None:
        await asyncio.to_thread(send, type, bodies)

    return send_in_thread


def large(number: int = 0) -> bytes:
    """A body that compresses well."""
    return b"%d" % number + b"x" * (SIZE - 1)


def refuse_large(delivery: Delivery) -> Verdict:
    """Accept other messages."""
    return Dead("unreadable") if len(delivery.body) >= SIZE else Done()


class TestLargeMessages(BrokerFixtures):
    """A dead letter names the original that it cannot hold, and other messages go on."""

    async def test_large_messages_are_dead_lettered_and_block_no_others(
        self, broker: Broker, subscription: Subscription, type: str, send_large: Send
    ) -> None:
        handler = RecordingHandler(refuse_large)
        small = [b"small %d" % number for number in range(20)]
        async with broker.consuming(subscription, handler, 4):
            await send_large(type, [large(number) for number in range(4)])
            await send_large(type, small)
            await handler.wait_for(*small)
            await eventually_true(lambda: has_dead(broker, subscription, 4))
        assert len(handler.deliveries) == 24
        assert await broker.depth(subscription) == Depth(waiting=0, dead=4)

    async def test_a_dead_letter_names_what_it_does_not_hold_and_where_the_original_is(
        self, broker: Broker, subscription: Subscription, type: str, send_large: Send
    ) -> None:
        dead = await dead_letter_large(broker, subscription, type, send_large, Dead("unreadable"))
        assert (dead.reason, dead.attempts, dead.headers, dead.body) == ("unreadable", 1, {}, b"")
        assert dead.left_out.startswith(f"headers and body; the original: {SIZE} bytes at offset 0 of partition ")
        assert dead.left_out.endswith(f" of topic {channel_of(type)}")
        assert await broker.dead_letter(subscription, dead.id) == dead

    async def test_a_dead_letter_without_its_body_is_not_replayed_and_stays(
        self, broker: Broker, subscription: Subscription, type: str, send_large: Send
    ) -> None:
        dead = await dead_letter_large(broker, subscription, type, send_large, Dead("unreadable"))
        with pytest.raises(DeadLetterIncomplete, match=f"{SIZE} bytes at offset 0"):
            await broker.replay(subscription, dead.id)
        assert await broker.dead_letters(subscription, 10) == [dead]

    async def test_a_message_too_large_to_wait_for_a_retry_is_dead_lettered(
        self, broker: Broker, subscription: Subscription, type: str, send_large: Send
    ) -> None:
        dead = await dead_letter_large(broker, subscription, type, send_large, Retry(0.05, "not yet"))
        assert dead.reason == "too large to wait for another attempt: not yet"

    async def test_headers_set_by_a_sender_are_not_mistaken_for_those_of_the_adapter(
        self, broker: Broker, broker_settings: BrokerSettings, subscription: Subscription, type: str
    ) -> None:
        producer = Producer({"bootstrap.servers": broker_settings.servers})
        async with broker.consuming(subscription, RecordingHandler(lambda _: Dead("no")), 1):
            forged: dict[str, str | bytes | None] = {"x-delivery-left-out": b"headers and body"}
            producer.produce(channel_of(type), b"mine", headers=forged)
            await asyncio.to_thread(producer.flush, 10)
            await eventually_true(lambda: has_dead(broker, subscription, 1))
        [dead] = await broker.dead_letters(subscription, 10)
        assert (dead.body, dead.left_out) == (b"mine", "")

    @pytest.mark.parametrize(
        ("refusals", "is_kept", "left_out"),
        [(1, True, "headers; the original"), (2, False, "headers and body; the original")],
    )
    async def test_a_copy_that_the_server_refuses_as_too_large_is_made_smaller(
        self,
        cluster: MockCluster,
        own_settings: BrokerSettings,
        subscription: Subscription,
        type: str,
        refusals: int,
        is_kept: bool,
        left_out: str,
    ) -> None:
        [message] = new_messages(type, 1)
        gate = asyncio.Event()
        handler = RecordingHandler(lambda _: Dead("no"), gate=gate)
        async with opened(own_settings) as broker:
            async with broker.consuming(subscription, handler, 1):
                await broker.publish([message])
                await eventually(lambda: handler.running == 1)
                cluster.fail(PRODUCE, MESSAGE_TOO_LARGE, refusals)
                gate.set()
                await eventually_true(lambda: has_dead(broker, subscription, 1))
            [dead] = await broker.dead_letters(subscription, 10)
        assert dead.left_out.startswith(left_out)
        assert (dead.body == message.body) is is_kept


async def dead_letter_large(
    broker: Broker,
    subscription: Subscription,
    type: str,
    send_large: Send,
    verdict: Verdict,
) -> DeadLetter:
    """The dead letter of a large message after this verdict."""
    async with broker.consuming(subscription, RecordingHandler(lambda _: verdict), 1):
        await send_large(type, [large()])
        await eventually_true(lambda: has_dead(broker, subscription, 1))
    [dead] = await broker.dead_letters(subscription, 10)
    return dead
