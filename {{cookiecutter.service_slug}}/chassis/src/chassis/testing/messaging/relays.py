"""Relays for tests: running the real one, and simulated ones that are slow, crash, and watch each other."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random

from ...errors import Unavailable
from ...messaging.brokers.in_process import InProcessBroker
from ...messaging.outbox.port import Batch, Outbox
from ...messaging.outbox.relay import Relay
from ...messaging.port import Message
from .storage import number_of


class Crash(Exception):
    """A relay stops half-way."""


@asynccontextmanager
async def relaying(*relays: Relay) -> AsyncIterator[None]:
    """Run relays inside the block, then stop them."""
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield
    finally:
        for relay in relays:
            relay.stop()
        await asyncio.gather(*tasks)


class FailingBroker(InProcessBroker):
    """Records what was published; refuses messages on demand.

    Attributes:
        published: the messages it has confirmed, in order.
        away: whether it cannot be used.
        refused: ids of messages that it never confirms.
        raises: whether it reports a batch refused as a whole by an error, as some brokers do, or by an empty result.
        slow: publishing waits for this event.
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
        """Record or refuse messages."""
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
        """Ids of published messages, in order."""
        return [message.id for message in self.published]


class SimulatedRelays:
    """Publish from one outbox; each fails at random.

    Attributes:
        published: for each key, how many of its messages were published, in order and without a gap.
        failures: number of crashes.
    """

    def __init__(self, outbox: Outbox) -> None:
        self.published: Counter[str] = Counter()
        self.failures = 0
        self._outbox = outbox
        self._held: set[str] = set()

    async def run(self, seed: int, is_complete: Callable[[], bool]) -> None:
        """Publish until the outbox is empty and complete."""
        chance = Random(seed)  # noqa: S311 - no secret
        while not (is_complete() and not (await self._outbox.backlog(1)).count):
            with suppress(Crash):
                async with self._outbox.claim(chance.randint(1, 40)) as batch:
                    await self._publish(batch, chance)
            await asyncio.sleep(0)

    async def _publish(self, batch: Batch, chance: Random) -> None:
        sent = [each.message for each in batch.waiting]
        keys = {message.key for message in sent}
        assert not keys & self._held, "two relays have claimed the same key"
        self._held |= keys
        try:
            confirmed = await self._confirmed(sent, chance)
            self._fail_sometimes(chance)
            await batch.remove(confirmed)
            self._fail_sometimes(chance)
        finally:
            self._held -= keys

    async def _confirmed(self, sent: Sequence[Message], chance: Random) -> set[str]:
        """Ids of confirmed messages; none that follows on a refused one is sent."""
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
