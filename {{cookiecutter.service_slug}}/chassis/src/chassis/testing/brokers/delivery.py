"""The conformance suite of broker adapters: delivery of messages."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import ClassVar
from uuid import uuid4

import pytest

from ...messaging.port import CONTENT_TYPE, Broker, Depth, Done, Message, Retry, Return, Subscription
from .recording import (
    CONCURRENCY,
    TIMEOUT_SECONDS,
    RecordingHandler,
    bodies_of,
    eventually,
    eventually_true,
    has_waiting,
    new_messages,
)
from .returning import return_from_each, return_often


class BrokerFixtures:
    """Names that no other test uses. The fixtures `broker` and `another` come from the adapter's tests."""

    @pytest.fixture
    def type(self) -> str:
        """An event type that no other test uses."""
        return f"test-{uuid4().hex}.thing.created"

    @pytest.fixture
    def subscription(self, type: str) -> Subscription:
        """A subscription that no other test uses."""
        return Subscription(f"test-{uuid4().hex}.history", [type])


class BrokerConformance(BrokerFixtures):
    """Delivery: at least once, in order, with retries, shared by replicas.

    Attributes:
        returns: how often a message is returned, more than the broker's adapter treats alike.
    """

    returns: ClassVar[int] = 7

    async def test_delivers_the_body_as_sent_with_its_content_type(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        handler = RecordingHandler()
        sent = Message(str(uuid4()), type, "key", b'{"text": "Gr\xc3\xb6\xc3\x9fe \\u2603"}')
        async with broker.consuming(subscription, handler, CONCURRENCY):
            assert set(await broker.publish([sent])) == {sent.id}
            await handler.wait_for(sent.body)
        [delivery] = handler.deliveries
        assert delivery.body == sent.body
        assert delivery.attempt == 1
        assert delivery.headers["content-type"] == CONTENT_TYPE

    async def test_keeps_the_order_of_a_key_within_a_batch_and_across_batches(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        handler = RecordingHandler()
        sent = new_messages(type, 600, key="one")
        async with broker.consuming(subscription, handler, CONCURRENCY):
            assert set(await broker.publish(sent[:500])) == {message.id for message in sent[:500]}
            assert set(await broker.publish(sent[500:])) == {message.id for message in sent[500:]}
            await handler.wait_for(sent[-1].body)
        assert handler.bodies == bodies_of(sent)

    async def test_confirms_an_event_without_subscribers(self, broker: Broker, type: str) -> None:
        [message] = new_messages(type, 1)
        assert set(await broker.publish([message])) == {message.id}

    async def test_confirms_nothing_when_nothing_is_published(self, broker: Broker) -> None:
        assert set(await broker.publish([])) == set()

    async def test_every_subscription_receives_every_event(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        first, second = RecordingHandler(), RecordingHandler()
        other = Subscription(f"{subscription.name}-other", [type])
        sent = new_messages(type, 20)
        async with (
            broker.consuming(subscription, first, CONCURRENCY),
            broker.consuming(other, second, CONCURRENCY),
        ):
            await broker.publish(sent)
            await first.wait_for(*bodies_of(sent))
            await second.wait_for(*bodies_of(sent))

    async def test_a_message_that_several_subscriptions_return_comes_again_to_each(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        both = (subscription, Subscription(f"{subscription.name}-other", [type]))
        await return_from_each(broker, both, new_messages(type, 2))

    async def test_replicas_share_the_work_of_a_subscription(
        self, broker: Broker, another: Broker, subscription: Subscription, type: str
    ) -> None:
        first, second = RecordingHandler(), RecordingHandler()
        sent = new_messages(type, 200)
        async with (
            broker.consuming(subscription, first, CONCURRENCY),
            another.consuming(subscription, second, CONCURRENCY),
        ):
            await broker.publish(sent)
            await eventually(lambda: set(bodies_of(sent)) <= set(first.bodies + second.bodies))

    async def test_messages_published_without_a_consumer_are_delivered_later(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        async with broker.consuming(subscription, RecordingHandler(), CONCURRENCY):
            pass
        sent = new_messages(type, 20)
        await broker.publish(sent)
        handler = RecordingHandler()
        async with broker.consuming(subscription, handler, CONCURRENCY):
            await handler.wait_for(*bodies_of(sent))
        assert sorted(handler.bodies) == sorted(bodies_of(sent))

    async def test_an_acknowledged_message_is_not_redelivered(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        sent = new_messages(type, 5)
        first, second = RecordingHandler(), RecordingHandler()
        async with broker.consuming(subscription, first, CONCURRENCY):
            await broker.publish(sent)
            await first.wait_for(*bodies_of(sent))
        [marker] = new_messages(type, 1, key="marker")
        async with broker.consuming(subscription, second, CONCURRENCY):
            await broker.publish([marker])
            await second.wait_for(marker.body)
        assert second.bodies == [marker.body]

    async def test_a_retried_message_is_redelivered_and_counts_its_attempts(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        handler = RecordingHandler(lambda delivery: Done() if delivery.attempt == 4 else Retry(0.05, "not yet"))
        [message] = new_messages(type, 1)
        async with broker.consuming(subscription, handler, CONCURRENCY):
            await broker.publish([message])
            await eventually(lambda: len(handler.deliveries) == 4)
        assert [delivery.attempt for delivery in handler.deliveries] == [1, 2, 3, 4]
        assert {delivery.body for delivery in handler.deliveries} == {message.body}
        assert {delivery.headers["content-type"] for delivery in handler.deliveries} == {CONTENT_TYPE}

    async def test_a_message_waiting_for_its_retry_does_not_block_the_others(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        retried = new_messages(type, CONCURRENCY * 2, key="retried")
        others = new_messages(type, 100)
        handler = RecordingHandler(
            lambda delivery: Retry(60, "not yet") if delivery.body in bodies_of(retried) else Done()
        )
        async with broker.consuming(subscription, handler, CONCURRENCY):
            await broker.publish([*retried, *others])
            await handler.wait_for(*bodies_of(retried), *bodies_of(others))
            assert (await broker.depth(subscription)).waiting >= len(retried)

    async def test_handles_at_most_concurrency_messages_at_once(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        handler = RecordingHandler(gate=asyncio.Event())
        sent = new_messages(type, 20)
        async with broker.consuming(subscription, handler, 4):
            await broker.publish(sent)
            await eventually(lambda: handler.running == 4)
            assert handler.gate is not None
            handler.gate.set()
            await handler.wait_for(*bodies_of(sent))
        assert handler.most_at_once == 4

    async def test_waits_for_handlers_in_flight_at_the_end(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        handler = RecordingHandler(gate=asyncio.Event())
        consuming = broker.consuming(subscription, handler, CONCURRENCY)
        await consuming.__aenter__()
        await broker.publish(new_messages(type, 3))
        await eventually(lambda: handler.running == 3)
        exiting = asyncio.create_task(_exit(consuming))
        await asyncio.sleep(0.05)
        assert not exiting.done()
        assert handler.gate is not None
        handler.gate.set()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await exiting
        # Their verdicts have arrived: nothing is redelivered.
        assert (await broker.depth(subscription)).waiting == 0

    async def test_messages_returned_at_the_end_are_delivered_to_another_consumer(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        holding = RecordingHandler(lambda _: Return("the process ends"), gate=asyncio.Event())
        sent = new_messages(type, CONCURRENCY * 4)
        assert holding.gate is not None
        async with broker.consuming(subscription, holding, CONCURRENCY, holding.gate.set):
            await broker.publish(sent)
            await eventually(lambda: holding.running == CONCURRENCY)
        assert len(holding.deliveries) == CONCURRENCY
        handler = RecordingHandler()
        async with broker.consuming(subscription, handler, CONCURRENCY):
            await handler.wait_for(*bodies_of(sent))
        assert {delivery.attempt for delivery in handler.deliveries} == {1}

    async def test_a_message_returned_again_and_again_counts_no_attempt_and_keeps_those_of_before(
        self, broker: Broker, subscription: Subscription, type: str
    ) -> None:
        await return_often(broker, subscription, type, self.returns)

    async def test_counts_waiting_messages(self, broker: Broker, subscription: Subscription, type: str) -> None:
        async with broker.consuming(subscription, RecordingHandler(), CONCURRENCY):
            assert await broker.depth(subscription) == Depth(waiting=0, dead=0)
        await broker.publish(new_messages(type, 7))
        await eventually_true(lambda: has_waiting(broker, subscription, 7))

    async def test_an_available_broker_passes_the_check(self, broker: Broker) -> None:
        await broker.check()


async def _exit(consuming: AbstractAsyncContextManager[None]) -> None:
    await consuming.__aexit__(None, None, None)
