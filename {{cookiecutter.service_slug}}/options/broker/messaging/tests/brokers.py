"""What every broker adapter has to do, written once and run over each of them."""

import asyncio
from contextlib import AbstractAsyncContextManager
from uuid import uuid4

import pytest

from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
    CONTENT_TYPE,
    Broker,
    Depth,
    Done,
    Message,
    Retry,
    Subscription,
)

from .deliveries import (
    PATIENCE_SECONDS,
    Handled,
    bodies_of,
    has_waiting,
    messages,
    until,
    until_true,
)

CONCURRENCY = 16


class BrokerFixtures:
    """The fixture `broker` gives an open one, `another` a second one on the same server, as in another process."""

    @pytest.fixture
    def type(self) -> str:
        """A type that no other test uses."""
        return f"test-{uuid4().hex}.thing.created"

    @pytest.fixture
    def subscription(self, type: str) -> Subscription:
        """A subscription that no other test uses."""
        return Subscription(f"test-{uuid4().hex}.history", [type])


class DeliveryContract(BrokerFixtures):
    """What was published is delivered."""

    async def test_delivers_what_was_sent_with_its_content_type(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        handled = Handled()
        sent = Message(str(uuid4()), type, "key", b'{"text": "Gr\xc3\xb6\xc3\x9fe \\u2603"}')
        async with broker.consuming(subscription, handled, CONCURRENCY):
            assert set(await broker.publish([sent])) == {sent.id}
            await handled.wait_for(sent.body)
        [delivery] = handled.deliveries
        assert delivery.body == sent.body
        assert delivery.attempt == 1
        assert delivery.headers["content-type"] == CONTENT_TYPE

    async def test_keeps_the_order_of_a_key_within_a_batch_and_across_batches(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        handled = Handled()
        sent = messages(type, 600, key="one")
        async with broker.consuming(subscription, handled, CONCURRENCY):
            assert set(await broker.publish(sent[:500])) == {message.id for message in sent[:500]}
            assert set(await broker.publish(sent[500:])) == {message.id for message in sent[500:]}
            await handled.wait_for(sent[-1].body)
        assert handled.bodies == bodies_of(sent)

    async def test_confirms_an_event_that_nobody_takes(self, broker: Broker, type: str) -> None:
        [message] = messages(type, 1)
        assert set(await broker.publish([message])) == {message.id}

    async def test_confirms_nothing_when_there_is_nothing(self, broker: Broker) -> None:
        assert set(await broker.publish([])) == set()

    async def test_every_subscription_gets_every_event(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        first, second = Handled(), Handled()
        other = Subscription(f"{subscription.name}-other", [type])
        sent = messages(type, 20)
        async with (
            broker.consuming(subscription, first, CONCURRENCY),
            broker.consuming(other, second, CONCURRENCY),
        ):
            await broker.publish(sent)
            await first.wait_for(*bodies_of(sent))
            await second.wait_for(*bodies_of(sent))

    async def test_replicas_share_the_work_of_a_subscription(
        self, broker: Broker, another: Broker, subscription: Subscription, type: str
    ) -> None:
        first, second = Handled(), Handled()
        sent = messages(type, 200)
        async with (
            broker.consuming(subscription, first, CONCURRENCY),
            another.consuming(subscription, second, CONCURRENCY),
        ):
            await broker.publish(sent)
            await until(lambda: set(bodies_of(sent)) <= set(first.bodies + second.bodies))

    async def test_what_came_while_nobody_was_there_is_delivered_later(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        async with broker.consuming(subscription, Handled(), CONCURRENCY):
            pass
        sent = messages(type, 20)
        await broker.publish(sent)
        handled = Handled()
        async with broker.consuming(subscription, handled, CONCURRENCY):
            await handled.wait_for(*bodies_of(sent))
        assert sorted(handled.bodies) == sorted(bodies_of(sent))

    async def test_a_message_that_is_done_does_not_come_again(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        sent = messages(type, 5)
        first, second = Handled(), Handled()
        async with broker.consuming(subscription, first, CONCURRENCY):
            await broker.publish(sent)
            await first.wait_for(*bodies_of(sent))
        [marker] = messages(type, 1, key="marker")
        async with broker.consuming(subscription, second, CONCURRENCY):
            await broker.publish([marker])
            await second.wait_for(marker.body)
        assert second.bodies == [marker.body]

    async def test_a_message_to_try_again_comes_again_and_counts_its_attempts(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        handled = Handled(lambda delivery: Done() if delivery.attempt == 4 else Retry(0.05, "not yet"))
        [message] = messages(type, 1)
        async with broker.consuming(subscription, handled, CONCURRENCY):
            await broker.publish([message])
            await until(lambda: len(handled.deliveries) == 4)
        assert [delivery.attempt for delivery in handled.deliveries] == [1, 2, 3, 4]
        assert {delivery.body for delivery in handled.deliveries} == {message.body}
        assert {delivery.headers["content-type"] for delivery in handled.deliveries} == {CONTENT_TYPE}

    async def test_a_message_that_waits_for_its_next_attempt_holds_up_no_other(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        stuck = messages(type, CONCURRENCY * 2, key="stuck")
        good = messages(type, 100)
        handled = Handled(lambda delivery: Retry(60, "not yet") if delivery.body in bodies_of(stuck) else Done())
        async with broker.consuming(subscription, handled, CONCURRENCY):
            await broker.publish([*stuck, *good])
            await handled.wait_for(*bodies_of(stuck), *bodies_of(good))
            assert (await broker.depth(subscription)).waiting >= len(stuck)

    async def test_handles_no_more_at_once_than_allowed(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        handled = Handled(gate=asyncio.Event())
        sent = messages(type, 20)
        async with broker.consuming(subscription, handled, 4):
            await broker.publish(sent)
            await until(lambda: handled.running == 4)
            assert handled.gate is not None
            handled.gate.set()
            await handled.wait_for(*bodies_of(sent))
        assert handled.most_at_once == 4

    async def test_ends_with_the_handlers_in_flight(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        handled = Handled(gate=asyncio.Event())
        consuming = broker.consuming(subscription, handled, CONCURRENCY)
        await consuming.__aenter__()
        await broker.publish(messages(type, 3))
        await until(lambda: handled.running == 3)
        leaving = asyncio.create_task(_leave(consuming))
        await asyncio.sleep(0.05)
        assert not leaving.done()
        assert handled.gate is not None
        handled.gate.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await leaving
        # Their verdicts have arrived: nothing comes again.
        assert (await broker.depth(subscription)).waiting == 0

    async def test_what_handlers_give_back_at_the_end_is_left_to_others(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        held = Handled(lambda _: Retry(0, "the process ends"), gate=asyncio.Event())
        sent = messages(type, CONCURRENCY * 4)
        assert held.gate is not None
        async with broker.consuming(subscription, held, CONCURRENCY, held.gate.set):
            await broker.publish(sent)
            await until(lambda: held.running == CONCURRENCY)
        assert len(held.deliveries) == CONCURRENCY
        handled = Handled()
        async with broker.consuming(subscription, handled, CONCURRENCY):
            await handled.wait_for(*bodies_of(sent))
        assert max(delivery.attempt for delivery in handled.deliveries) <= 2

    async def test_counts_what_waits(self, broker: Broker, subscription: Subscription, type: str) -> None:
        async with broker.consuming(subscription, Handled(), CONCURRENCY):
            assert await broker.depth(subscription) == Depth(waiting=0, dead=0)
        await broker.publish(messages(type, 7))
        await until_true(lambda: has_waiting(broker, subscription, 7))

    async def test_is_healthy(self, broker: Broker) -> None:
        await broker.check()


async def _leave(consuming: AbstractAsyncContextManager[None]) -> None:
    await consuming.__aexit__(None, None, None)
