"""Reads a queue of dead letters, by taking all out and giving them back.

A quorum queue delivers returned messages before the rest, but after those returned earlier; and if many are returned at
once, in any order. So all are taken before the first one is given back, then a few at a time, sorted.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from ...port import DeadLetter, DeadLetterNotFound
from .headers import read_dead_letter

ANSWER_SECONDS = 5
PAUSE_SECONDS = 0.002
# AMQP's largest prefetch count. With more, the order is lost, and the last are seen once the first are gone.
MOST_DEAD_LETTERS = 65_535
# So many the queue takes back in the order in which they arrive.
IN_ORDER = 30

_Found = tuple[AbstractIncomingMessage, DeadLetter]


class DeadLetterReader:
    """Takes dead letters out of a queue and gives back those that are not removed, the oldest first."""

    def __init__(self, channel: AbstractChannel, queue: AbstractQueue, count: int) -> None:
        self._channel = channel
        self._queue = queue
        self._count = count
        self._taken: dict[AbstractIncomingMessage, DeadLetter] = {}
        self._is_consuming = False

    async def all(self) -> AsyncGenerator[_Found]:
        """The first one by itself, as often it is the one to find; the others together."""
        first = await self._queue.get(fail=False, timeout=ANSWER_SECONDS)
        if first is None:
            return
        yield self._take(first)
        if count := min(self._count - 1, MOST_DEAD_LETTERS):
            received: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
            self._is_consuming = True
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._channel.set_qos(prefetch_count=count)
                await self._queue.consume(received.put, consumer_tag=self._queue.name)
            for _ in range(count):
                async with asyncio.timeout(ANSWER_SECONDS):
                    message = await received.get()
                yield self._take(message)

    async def oldest(self, limit: int) -> list[DeadLetter]:
        """The oldest first."""
        found: list[DeadLetter] = []
        async with aclosing(self.all()) as dead_letters:
            async for _, dead_letter in dead_letters:
                found.append(dead_letter)
                if len(found) > 2 * limit:
                    found = _oldest(found, limit)
        return _oldest(found, limit)

    async def find(self, id: str, to_remove: bool) -> _Found:
        """The one with this id; reads all of them, unless the first one can be removed.

        Raises:
            DeadLetterNotFound: there is none.
        """
        found: _Found | None = None
        async with aclosing(self.all()) as dead_letters:
            async for message, dead_letter in dead_letters:
                if found is None and dead_letter.id == id:
                    found = message, dead_letter
                    if to_remove and not self._is_consuming:
                        break
        if found is None:
            raise DeadLetterNotFound(id)
        return found

    async def remove(self, message: AbstractIncomingMessage) -> None:
        """Do not give this one back."""
        await message.ack()
        del self._taken[message]
        self._count -= 1

    async def give_back(self) -> None:
        """Return all the others, in order.

        If that takes too long the rest is returned when the channel is closed: in any order, until the next reading.
        """
        if self._is_consuming:  # or it would at once receive again what is given back
            await self._queue.cancel(self._queue.name, timeout=ANSWER_SECONDS)
        messages = sorted(self._taken, key=lambda message: self._taken[message].failed_at)
        left = max(0, self._count - len(messages))
        for start in range(0, len(messages), IN_ORDER):
            some = messages[start : start + IN_ORDER]
            left += len(some)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    for message in some:
                        await message.nack(requeue=True)
                    while await self._ready() < left:  # noqa: ASYNC110 - there is no event to wait for
                        await asyncio.sleep(PAUSE_SECONDS)
            except TimeoutError:
                return

    def _take(self, message: AbstractIncomingMessage) -> _Found:
        dead_letter = self._taken[message] = read_dead_letter(message)
        return message, dead_letter

    async def _ready(self) -> int:
        return (await self._channel.declare_queue(self._queue.name, passive=True)).declaration_result.message_count or 0


def _oldest(dead_letters: list[DeadLetter], limit: int) -> list[DeadLetter]:
    return sorted(dead_letters, key=lambda dead_letter: dead_letter.failed_at)[:limit]
