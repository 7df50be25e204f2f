"""Records what a broker delivers, and waits for it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from ...errors import Unavailable
from ...messaging.port import Broker, Delivery, Done, Message, Subscription, Verdict

TIMEOUT_SECONDS = 30
CONCURRENCY = 16
BATCH = 50


@dataclass
class RecordingHandler:
    """A handler that records its deliveries.

    Args:
        decide: returns the verdict on a delivery.
        gate: handlers wait for it, where there is one.
    """

    decide: Callable[[Delivery], Verdict] = lambda _: Done()
    gate: asyncio.Event | None = None
    deliveries: list[Delivery] = field(default_factory=list)
    running: int = 0
    most_at_once: int = 0

    async def __call__(self, delivery: Delivery) -> Verdict:
        """Called by the broker adapter."""
        self.deliveries.append(delivery)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        if self.gate is not None:
            await self.gate.wait()
        self.running -= 1
        return self.decide(delivery)

    @property
    def bodies(self) -> list[bytes]:
        """The bodies delivered so far, in order."""
        return [delivery.body for delivery in self.deliveries]

    async def wait_for(self, *bodies: bytes) -> None:
        """Wait until each of these has been delivered."""
        await eventually(lambda: set(bodies) <= set(self.bodies))


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for a condition that another task or process brings about."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)


async def eventually_true(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition that must be queried."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not await condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.02)


def new_messages(type: str, count: int, key: str = "") -> list[Message]:
    """New messages, all with one key or each with its own."""
    return [
        Message(id=str(uuid4()), type=type, key=key or f"key-{number}", body=b"%d" % number) for number in range(count)
    ]


def bodies_of(sent: Sequence[Message]) -> list[bytes]:
    """The bodies of messages, in order."""
    return [message.body for message in sent]


async def publish_all(broker: Broker, sent: Sequence[Message]) -> None:
    """Publish in batches until each message is confirmed, as the relay does."""
    missing = {message.id: message for message in sent}
    while missing:
        try:
            for id in await broker.publish(list(missing.values())[:BATCH]):
                del missing[id]
        except Unavailable:
            await asyncio.sleep(0.02)


async def has_dead(broker: Broker, subscription: Subscription, count: int) -> bool:
    """Whether the subscription has exactly this many dead letters."""
    return (await broker.depth(subscription)).dead == count


async def has_waiting(broker: Broker, subscription: Subscription, count: int) -> bool:
    """Whether the subscription has exactly this many messages waiting."""
    return (await broker.depth(subscription)).waiting == count
