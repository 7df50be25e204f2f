"""Outbox, inbox and history in memory, beside the aggregates."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID
from weakref import WeakKeyDictionary

from ...domain.errors import Interrupted
from ...domain.history import HistoryEntry
from ...domain.ports import UnitOfWork
from ..identity import utc_now
from ..messaging.port import Message
from ..messaging.store import Backlog, Waiting
from .memory import MemoryDatabase, MemoryUnitOfWork

LOOK_AGAIN_SECONDS = 1.0


@dataclass(slots=True)
class _Tables:
    outbox: list[Waiting] = field(default_factory=list)
    inbox: dict[tuple[str, str], datetime] = field(default_factory=dict)
    history: dict[UUID, dict[int, HistoryEntry]] = field(default_factory=dict)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    relaying: bool = False


# All who use a database in memory see the same tables.
_tables: WeakKeyDictionary[MemoryDatabase, _Tables] = WeakKeyDictionary()


class MemoryMessageStore:
    """Changes are put in place when their transaction ends."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._tables = _tables.setdefault(database, _Tables())

    def within(self, work: UnitOfWork) -> "MemoryBookkeeping":
        """Take part in a transaction."""
        if not isinstance(work, MemoryUnitOfWork):
            raise TypeError("a transaction of another database")
        return MemoryBookkeeping(work, self._tables)

    @asynccontextmanager
    async def take(self, limit: int, without: Collection[str] = ()) -> AsyncIterator["MemoryBatch"]:
        """One relay at a time; to others the outbox looks empty."""
        if self._tables.relaying:
            yield MemoryBatch(self._tables, [])
            return
        self._tables.relaying = True
        try:
            wanted = (each for each in self._tables.outbox if each.message.key not in without)
            yield MemoryBatch(self._tables, list(islice(wanted, limit)))
        finally:
            self._tables.relaying = False

    @asynccontextmanager
    async def arrivals(self) -> AsyncIterator["MemoryArrivals"]:
        """Wakes at once."""
        yield MemoryArrivals(self._tables.arrived)

    async def backlog(self, limit: int) -> Backlog:
        """What waits."""
        waiting = self._tables.outbox
        oldest = (utc_now() - waiting[0].since).total_seconds() if waiting else 0.0
        return Backlog(min(len(waiting), limit), oldest)

    async def forget_received(self, before: datetime) -> int:
        """Delete what the inbox holds since before a time."""
        old = [key for key, at in self._tables.inbox.items() if at < before]
        for key in old:
            del self._tables.inbox[key]
        return len(old)

    async def history(self, id: UUID, after: int, limit: int) -> Sequence[HistoryEntry]:
        """Entries of an aggregate by version."""
        entries = self._tables.history.get(id, {})
        return [entries[version] for version in sorted(entries) if version > after][:limit]


class MemoryBookkeeping:
    """Outbox, inbox and history, within a transaction."""

    def __init__(self, work: MemoryUnitOfWork, tables: _Tables) -> None:
        self._work = work
        self._tables = tables

    @property
    def history(self) -> "MemoryBookkeeping":
        """Is its own: there is nothing to tell them apart by."""
        return self

    async def enqueue(self, messages: Sequence[Message]) -> None:
        """Add them to the outbox."""
        since = utc_now()
        self._work.at_commit(lambda: self._tables.outbox.extend(Waiting(message, since) for message in messages))
        self._work.at_commit(self._tables.arrived.set)

    async def first_time(self, consumer: str, id: str, at: datetime) -> bool:
        """Hold the message until the transaction ends."""
        if not self._work.hold(f"inbox {consumer} {id}"):
            raise Interrupted("database", "another transaction takes this message")
        if (consumer, id) in self._tables.inbox:
            return False
        self._work.at_commit(lambda: self._tables.inbox.update({(consumer, id): at}))
        return True

    async def last_version(self, id: UUID) -> int:
        """Version of the last entry."""
        return max(self._tables.history.get(id, {}), default=0)

    async def add(self, entry: HistoryEntry) -> None:
        """Add an entry."""
        id, version = entry.aggregate_id, entry.version
        if version in self._tables.history.get(id, {}) or not self._work.hold(f"history {id} {version}"):
            raise Interrupted("database", "another transaction adds this version")
        entry = replace(entry, occurred_at=entry.occurred_at.astimezone(UTC))
        self._work.at_commit(lambda: self._tables.history.setdefault(id, {}).update({version: entry}))


class MemoryBatch:
    """The oldest messages."""

    def __init__(self, tables: _Tables, waiting: Sequence[Waiting]) -> None:
        self._tables = tables
        self.waiting = waiting

    async def remove(self, ids: Collection[str]) -> None:
        """Take them out."""
        self._tables.outbox = [each for each in self._tables.outbox if each.message.id not in ids]


class MemoryArrivals:
    """Set by whoever enqueues."""

    def __init__(self, arrived: asyncio.Event) -> None:
        self._arrived = arrived

    async def wait(self) -> None:
        """Until something was added, or the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                await self._arrived.wait()
        self._arrived.clear()

    def busy(self) -> None:
        """Whoever adds more will say so."""
