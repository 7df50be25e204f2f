"""Helps tests to watch what a broker delivers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
    Broker,
    Delivery,
    Done,
    Message,
    Subscription,
    Verdict,
)

PATIENCE_SECONDS = 30
CONCURRENCY = 16


@dataclass
class Handled:
    """Remembers what was delivered; `decide` says what becomes of it."""

    decide: Callable[[Delivery], Verdict] = lambda _: Done()
    deliveries: list[Delivery] = field(default_factory=list)
    running: int = 0
    most_at_once: int = 0
    gate: asyncio.Event | None = None

    async def __call__(self, delivery: Delivery) -> Verdict:
        """Called by the broker."""
        self.deliveries.append(delivery)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        if self.gate is not None:
            await self.gate.wait()
        self.running -= 1
        return self.decide(delivery)

    @property
    def bodies(self) -> list[bytes]:
        """What was delivered, in order."""
        return [delivery.body for delivery in self.deliveries]

    async def wait_for(self, *bodies: bytes) -> None:
        """Until each of these was delivered."""
        await until(lambda: set(bodies) <= set(self.bodies))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that others bring about."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - the one who brings it about is not ours
            await asyncio.sleep(0.005)


async def until_true(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition that has to be asked for."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - nobody would tell
            await asyncio.sleep(0.02)


def messages(type: str, count: int, key: str = "") -> list[Message]:
    """New messages, all with one key or each with its own."""
    return [
        Message(id=str(uuid4()), type=type, key=key or f"key-{number}", body=b"%d" % number) for number in range(count)
    ]


def bodies_of(sent: Sequence[Message]) -> list[bytes]:
    """What the messages say."""
    return [message.body for message in sent]


async def has_dead(broker: Broker, subscription: Subscription, count: int) -> bool:
    """Whether so many dead letters are there."""
    return (await broker.depth(subscription)).dead == count


async def has_waiting(broker: Broker, subscription: Subscription, count: int) -> bool:
    """Whether so many messages wait."""
    return (await broker.depth(subscription)).waiting == count
