"""Reads a queue of dead letters, by taking all out and giving them back.

A quorum queue delivers what was given back before the rest, but after what was given back earlier; and if many come
back at once, in any order. So all are taken before the first one is given back, then a few at a time, sorted.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

from aiormq import spec
from aiormq.abc import AbstractChannel, DeliveredMessage

from .headers import to_dead_letter_of
from .port import DeadLetter, DeadLetterNotFound

ANSWER_SECONDS = 5
PAUSE_SECONDS = 0.002
# What AMQP can count. With more than so many the order is lost, and the last ones are seen once the first are gone.
MOST_LETTERS = 65_535
# So many the queue takes back in the order in which they come.
IN_ORDER = 30


class DeadLetterReader:
    """Takes letters out of a queue and gives back those that are not removed, the oldest ones first."""

    def __init__(self, channel: AbstractChannel, queue: str, there: int) -> None:
        self._channel = channel
        self._queue = queue
        self._there = there
        self._taken: dict[int, datetime] = {}
        self._is_delivering = False

    async def all(self) -> AsyncGenerator[tuple[DeliveredMessage, DeadLetter]]:
        """The first one by itself, as often it is the one that is looked for; the others in one go."""
        first = await self._channel.basic_get(self._queue, timeout=ANSWER_SECONDS)
        if isinstance(first.delivery, spec.Basic.GetEmpty):
            return
        yield self._take(first)
        if count := min(self._there - 1, MOST_LETTERS):
            arrived: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
            self._is_delivering = True
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._channel.basic_qos(prefetch_count=count)
                await self._channel.basic_consume(self._queue, arrived.put, consumer_tag=self._queue)
            for _ in range(count):
                async with asyncio.timeout(ANSWER_SECONDS):
                    message = await arrived.get()
                yield self._take(message)

    async def first(self, limit: int) -> list[DeadLetter]:
        """The oldest ones."""
        found: list[DeadLetter] = []
        async with aclosing(self.all()) as letters:
            async for _, letter in letters:
                found.append(letter)
                if len(found) > 2 * limit:
                    found = _oldest(found, limit)
        return _oldest(found, limit)

    async def find(self, id: str, to_remove: bool) -> tuple[DeliveredMessage, DeadLetter]:
        """The one with this id; looks at all of them, unless the first one can be taken away.

        Raises:
            DeadLetterNotFound: there is none.
        """
        found: tuple[DeliveredMessage, DeadLetter] | None = None
        async with aclosing(self.all()) as letters:
            async for message, letter in letters:
                if found is None and letter.id == id:
                    found = message, letter
                    if to_remove and not self._is_delivering:
                        break
        if found is None:
            raise DeadLetterNotFound(id)
        return found

    async def remove(self, message: DeliveredMessage) -> None:
        """Do not give this one back."""
        await self._channel.basic_ack(message.delivery_tag or 0)
        del self._taken[message.delivery_tag or 0]
        self._there -= 1

    async def give_back(self) -> None:
        """All the others, in order.

        If that takes too long the rest goes back when the channel is closed: in any order, until somebody reads again.
        """
        if self._is_delivering:  # or it would deliver again at once what is given back
            await self._channel.basic_cancel(self._queue, timeout=ANSWER_SECONDS)
        tags = sorted(self._taken, key=self._taken.__getitem__)
        left = max(0, self._there - len(tags))
        for start in range(0, len(tags), IN_ORDER):
            some = tags[start : start + IN_ORDER]
            left += len(some)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    for tag in some:
                        await self._channel.basic_nack(tag, requeue=True, wait=False)
                    while await self._count() < left:  # noqa: ASYNC110 - nobody would tell
                        await asyncio.sleep(PAUSE_SECONDS)
            except TimeoutError:
                return

    def _take(self, message: DeliveredMessage) -> tuple[DeliveredMessage, DeadLetter]:
        letter = to_dead_letter_of(message)
        self._taken[message.delivery_tag or 0] = letter.failed_at
        return message, letter

    async def _count(self) -> int:
        return (await self._channel.queue_declare(self._queue, passive=True)).message_count or 0


def _oldest(letters: list[DeadLetter], limit: int) -> list[DeadLetter]:
    return sorted(letters, key=lambda letter: letter.failed_at)[:limit]
