"""Messages that are larger than a copy of them may be: a sender's compression brings them past the servers' limit."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from confluent_kafka import Producer

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
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

from ...brokers import BrokerFixtures
from ...deliveries import Handled, has_dead, messages, until, until_true
from .conftest import opened, settings_of
from .mock_cluster import MockCluster

SIZE = 2_000_000
PRODUCE = 0
MESSAGE_TOO_LARGE = 10
Send = Callable[[str, list[bytes]], Awaitable[None]]


@pytest.fixture
def send_large(broker_settings: BrokerSettings) -> Send:
    """Send to the channel of a type as another service does."""

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
    """Others are fine."""
    return Dead("unreadable") if len(delivery.body) >= SIZE else Done()


class TestLargeMessages(BrokerFixtures):
    """Nothing is lost of which somebody could not find the rest, and others go on."""

    async def test_as_many_as_are_handled_at_once_are_put_aside_and_hold_nobody_up(
        self, broker: Broker, subscription: Subscription, type: str, send_large: Send
    ) -> None:
        handled = Handled(refuse_large)
        small = [b"small %d" % number for number in range(20)]
        async with broker.consuming(subscription, handled, 4):
            await send_large(type, [large(number) for number in range(4)])
            await send_large(type, small)
            await handled.wait_for(*small)
            await until_true(lambda: has_dead(broker, subscription, 4))
        assert len(handled.deliveries) == 24
        assert await broker.depth(subscription) == Depth(waiting=0, dead=4)

    async def test_a_letter_says_what_it_could_not_hold_and_where_that_is(
        self, broker: Broker, subscription: Subscription, type: str, send_large: Send
    ) -> None:
        letter = await put_aside(broker, subscription, type, send_large, Dead("unreadable"))
        assert (letter.reason, letter.attempts, letter.headers, letter.body) == ("unreadable", 1, {}, b"")
        assert letter.left_out.startswith(f"headers and body; the original: {SIZE} bytes at offset 0 of partition ")
        assert letter.left_out.endswith(f" of topic {channel_of(type)}")
        assert await broker.dead_letter(subscription, letter.id) == letter

    async def test_a_letter_without_its_body_is_not_replayed_and_stays(
        self, broker: Broker, subscription: Subscription, type: str, send_large: Send
    ) -> None:
        letter = await put_aside(broker, subscription, type, send_large, Dead("unreadable"))
        with pytest.raises(DeadLetterIncomplete, match=f"{SIZE} bytes at offset 0"):
            await broker.replay(subscription, letter.id)
        assert await broker.dead_letters(subscription, 10) == [letter]

    async def test_what_is_too_large_to_wait_for_another_attempt_is_put_aside(
        self, broker: Broker, subscription: Subscription, type: str, send_large: Send
    ) -> None:
        letter = await put_aside(broker, subscription, type, send_large, Retry(0.05, "not yet"))
        assert letter.reason == "too large to wait for another attempt: not yet"

    async def test_headers_of_others_do_not_pass_for_those_of_a_letter(
        self, broker: Broker, broker_settings: BrokerSettings, subscription: Subscription, type: str
    ) -> None:
        producer = Producer({"bootstrap.servers": broker_settings.servers})
        async with broker.consuming(subscription, Handled(lambda _: Dead("no")), 1):
            pretended: dict[str, str | bytes | None] = {"x-delivery-left-out": b"headers and body"}
            producer.produce(channel_of(type), b"mine", headers=pretended)
            await asyncio.to_thread(producer.flush, 10)
            await until_true(lambda: has_dead(broker, subscription, 1))
        [letter] = await broker.dead_letters(subscription, 10)
        assert (letter.body, letter.left_out) == (b"mine", "")

    @pytest.mark.parametrize(
        ("refusals", "is_kept", "left_out"),
        [(1, True, "headers; the original"), (2, False, "headers and body; the original")],
    )
    async def test_a_letter_that_the_server_finds_too_large_is_made_smaller(
        self,
        cluster: MockCluster,
        subscription: Subscription,
        type: str,
        refusals: int,
        is_kept: bool,
        left_out: str,
    ) -> None:
        [message] = messages(type, 1)
        handled = Handled(lambda _: Dead("no"), gate=asyncio.Event())
        async with opened(settings_of(f"kafka://{cluster.address}")) as broker:
            async with broker.consuming(subscription, handled, 1):
                await broker.publish([message])
                await until(lambda: handled.running == 1)
                cluster.fail(PRODUCE, MESSAGE_TOO_LARGE, refusals)
                assert handled.gate is not None
                handled.gate.set()
                await until_true(lambda: has_dead(broker, subscription, 1))
            [letter] = await broker.dead_letters(subscription, 10)
        assert letter.left_out.startswith(left_out)
        assert (letter.body == message.body) is is_kept


async def put_aside(
    broker: Broker,
    subscription: Subscription,
    type: str,
    send_large: Send,
    verdict: Verdict,
) -> DeadLetter:
    """What becomes of a large message after this verdict."""
    async with broker.consuming(subscription, Handled(lambda _: verdict), 1):
        await send_large(type, [large()])
        await until_true(lambda: has_dead(broker, subscription, 1))
    [letter] = await broker.dead_letters(subscription, 10)
    return letter
