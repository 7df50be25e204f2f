"""Returns messages again and again, as consumers do whose database is away."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from ...messaging.port import Broker, Delivery, Depth, Message, Retry, Return, Subscription, Verdict
from .recording import CONCURRENCY, RecordingHandler, bodies_of, eventually, new_messages


async def return_often(broker: Broker, subscription: Subscription, type: str, times: int) -> None:
    """Fail two messages once, return them so many times, and see that they arrive as after the failure."""
    sent = new_messages(type, 2)
    ends = asyncio.Event()
    tried_again: list[bytes] = []

    async def fail_once(delivery: Delivery) -> Verdict:
        if delivery.attempt == 1:
            return Retry(0.05, "not yet")
        tried_again.append(delivery.body)
        await ends.wait()
        return Return("the process ends")

    async with broker.consuming(subscription, fail_once, CONCURRENCY, ends.set):
        await broker.publish(sent)
        await eventually(lambda: sorted(tried_again) == bodies_of(sent))
    for _ in range(times):
        returning = RecordingHandler(lambda _: Return("the process ends"), gate=asyncio.Event())
        assert returning.gate is not None
        async with broker.consuming(subscription, returning, CONCURRENCY, returning.gate.set):
            await returning.wait_for(*bodies_of(sent))
        assert [delivery.attempt for delivery in returning.deliveries] == [2, 2]
    last = RecordingHandler()
    async with broker.consuming(subscription, last, CONCURRENCY):
        await last.wait_for(*bodies_of(sent))
    assert await broker.depth(subscription) == Depth(waiting=0, dead=0)


async def return_from_each(broker: Broker, subscriptions: Sequence[Subscription], sent: Sequence[Message]) -> None:
    """Publish messages, have every subscription return them at once, and see that each gets them again."""
    gate, bodies = asyncio.Event(), bodies_of(sent)
    returning = [RecordingHandler(lambda _: Return("the process ends"), gate) for _ in subscriptions]
    async with AsyncExitStack() as stack:
        for subscription, handler in zip(subscriptions, returning, strict=True):
            await stack.enter_async_context(broker.consuming(subscription, handler, CONCURRENCY, gate.set))
        await broker.publish(sent)
        for handler in returning:
            await handler.wait_for(*bodies)
    for subscription in subscriptions:
        last = RecordingHandler()
        async with broker.consuming(subscription, last, CONCURRENCY):
            await last.wait_for(*bodies)
        assert await broker.depth(subscription) == Depth(waiting=0, dead=0)
