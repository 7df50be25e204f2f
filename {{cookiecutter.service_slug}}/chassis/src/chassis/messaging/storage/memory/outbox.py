"""The outbox in memory."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import islice

from ....database.port import DatabaseTransaction
from ....identity import utc_now
from ...outbox.port import Backlog, WaitingMessage
from ...port import Message
from .transaction import in_memory

POLL_SECONDS = 1.0


class MemoryOutbox:
    """A list; changes take effect when their transaction commits."""

    def __init__(self) -> None:
        self.waiting: list[WaitingMessage] = []
        self._added = asyncio.Event()
        self._claimed = False

    async def enqueue(self, transaction: DatabaseTransaction, messages: Sequence[Message]) -> None:
        """Add messages."""
        own, since = in_memory(transaction), utc_now()
        added = [WaitingMessage(message, since) for message in messages]
        own.at_commit(lambda: self.waiting.extend(added))
        own.at_commit(self._added.set)

    @asynccontextmanager
    async def claim(self, limit: int, without: Collection[str] = ()) -> AsyncIterator["MemoryBatch"]:
        """Serves one relay at a time; to others the outbox looks empty."""
        if self._claimed:
            yield MemoryBatch(self, [])
            return
        self._claimed = True
        try:
            wanted = (each for each in self.waiting if each.message.key not in without)
            yield MemoryBatch(self, list(islice(wanted, limit)))
        finally:
            self._claimed = False

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["MemoryOutboxListener"]:
        """Wakes at once."""
        yield MemoryOutboxListener(self._added)

    async def backlog(self, limit: int) -> Backlog:
        """Number of waiting messages and age of the oldest."""
        oldest = (utc_now() - self.waiting[0].since).total_seconds() if self.waiting else 0.0
        return Backlog(min(len(self.waiting), limit), max(oldest, 0.0))


class MemoryBatch:
    """The oldest messages."""

    def __init__(self, outbox: MemoryOutbox, waiting: Sequence[WaitingMessage]) -> None:
        self.waiting = waiting
        self._outbox = outbox

    async def remove(self, ids: Collection[str]) -> None:
        """Delete published messages."""
        self._outbox.waiting = [each for each in self._outbox.waiting if each.message.id not in ids]


class MemoryOutboxListener:
    """Woken by each transaction that adds messages."""

    def __init__(self, added: asyncio.Event) -> None:
        self._added = added

    async def wait(self) -> None:
        """Return when messages were added, or the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._added.wait()
        self._added.clear()

    def busy(self) -> None:
        """Does nothing: whatever is added wakes it."""
