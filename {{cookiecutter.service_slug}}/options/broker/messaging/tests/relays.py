"""Relays that are slow and fail, and watch each other; the real one, and a broker that fails as it is told."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random

from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.messaging.in_process import InProcessBroker
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Message
from {{ cookiecutter.package_name }}.infrastructure.messaging.relay import Relay
from {{ cookiecutter.package_name }}.infrastructure.messaging.store import Batch, MessageStore


class Crash(Exception):
    """A relay breaks off."""


def number_of(message: Message) -> int:
    """Which one of its key it is, from 0."""
    return int(message.id.split("/")[1])


@asynccontextmanager
async def relaying(*relays: Relay) -> AsyncIterator[None]:
    """These run as long as the block lasts."""
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield
    finally:
        for relay in relays:
            relay.stop()
        await asyncio.gather(*tasks)


class FailingBroker(InProcessBroker):
    """Remembers what was published; refuses what it is told to.

    Attributes:
        raises: whether it is told by an error that nothing was taken, as some brokers do, or by an empty answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.published: list[Message] = []
        self.away = False
        self.refused: set[str] = set()
        self.raises = True
        self.slow = asyncio.Event()
        self.slow.set()

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Refuse or keep."""
        if self.away:
            raise Unavailable("broker", "cannot be reached")
        await self.slow.wait()
        kept = [message for message in messages if message.id not in self.refused]
        self.published += kept
        if self.raises and not kept:
            raise Unavailable("broker", "refused")
        return [message.id for message in kept]

    @property
    def ids(self) -> list[str]:
        """What was published, in order."""
        return [message.id for message in self.published]


class Relays:
    """Publish from one outbox, each with its own luck.

    Attributes:
        published: how many messages of each key are out, in order and without a gap.
        failures: how often something went wrong.
    """

    def __init__(self, messages: MessageStore) -> None:
        self.published: Counter[str] = Counter()
        self.failures = 0
        self._messages = messages
        self._held: set[str] = set()

    async def run(self, seed: int, is_complete: Callable[[], bool]) -> None:
        """Publish until nothing waits and nothing is to come."""
        chance = Random(seed)  # noqa: S311 - no secret
        while not (is_complete() and not (await self._messages.backlog(1)).count):
            with suppress(Crash):
                async with self._messages.take(chance.randint(1, 40)) as batch:
                    await self._publish(batch, chance)
            await asyncio.sleep(0)

    async def _publish(self, batch: Batch, chance: Random) -> None:
        sent = [each.message for each in batch.waiting]
        keys = {message.key for message in sent}
        assert not keys & self._held, "two relays hold the same key"
        self._held |= keys
        try:
            confirmed = await self._confirmed(sent, chance)
            self._fail_sometimes(chance)
            await batch.remove(confirmed)
            self._fail_sometimes(chance)
        finally:
            self._held -= keys

    async def _confirmed(self, sent: Sequence[Message], chance: Random) -> set[str]:
        """Those that the broker took; what follows on a refused one is not sent."""
        refused: set[str] = set()
        confirmed: set[str] = set()
        for message in sent:
            if message.key in refused:
                continue
            await asyncio.sleep(chance.uniform(0, 0.003))
            if chance.random() < 0.1:
                refused.add(message.key)
                continue
            number = number_of(message)
            assert number <= self.published[message.key], "a message has overtaken the one before it"
            self.published[message.key] = max(self.published[message.key], number + 1)
            confirmed.add(message.id)
        return confirmed

    def _fail_sometimes(self, chance: Random) -> None:
        if chance.random() < 0.1:
            self.failures += 1
            raise Crash
