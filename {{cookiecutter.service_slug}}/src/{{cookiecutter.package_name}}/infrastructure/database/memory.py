"""The database that needs no server: for unit tests and for a first look. Everything is gone when the process ends."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import nlargest
from uuid import UUID

from ...domain.errors import KeyInUse, KeyReused, NotFound, VersionConflict
from ...domain.events import {{ cookiecutter.__Entity }}Event
from ...domain.idempotency import IdempotencyKey
from ...domain.model import {{ cookiecutter.__Entity }}
from ...domain.ports import Page
from ...domain.values import Status
from .port import PoolUsage


@dataclass(frozen=True, slots=True)
class _Kept:
    fingerprint: bytes
    answer: bytes
    at: datetime


class MemoryDatabase:
    """Dictionaries; a transaction collects its changes and puts them in place at once when it ends."""

    kind = "in-memory"

    def __init__(self) -> None:
        self.rows: dict[UUID, {{ cookiecutter.__Entity }}] = {}
        self.answers: dict[str, _Kept] = {}
        self.held: set[str] = set()

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def check(self) -> None:
        """Always there."""

    def usage(self) -> PoolUsage:
        """No connections."""
        return PoolUsage(in_use=0, idle=0, limit=0)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["MemoryUnitOfWork"]:
        """A transaction; two that change the same aggregate conflict when the second one ends."""
        work = MemoryUnitOfWork(self)
        try:
            yield work
            work.commit()
        finally:
            self.held -= work._held  # noqa: SLF001 - of this module

    async def find(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """A copy, so that nobody changes what is stored."""
        if id not in self.rows:
            raise NotFound(id)
        return replace(self.rows[id])

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Page:
        """Newest first."""
        matching = (
            id
            for id, row in self.rows.items()
            if (status is None or row.status is status) and (after is None or id < after)
        )
        ids = nlargest(limit + 1, matching)
        items = [replace(self.rows[id]) for id in ids[:limit]]
        return Page(items, next=items[-1].id if len(ids) > limit else None)

    async def forget_answers(self, before: datetime) -> int:
        """Delete what was kept before a time."""
        old = [key for key, kept in self.answers.items() if kept.at < before]
        for key in old:
            del self.answers[key]
        return len(old)


@dataclass(slots=True)
class MemoryUnitOfWork:
    """Is its own repository and answer store: there is nothing to tell them apart by."""

    database: MemoryDatabase
    events: list[{{ cookiecutter.__Entity }}Event] = field(default_factory=list)
    changed: dict[UUID, tuple[int, {{ cookiecutter.__Entity }}]] = field(default_factory=dict)
    _effects: list[Callable[[], object]] = field(default_factory=list)
    _held: set[str] = field(default_factory=set)

    @property
    def {{ cookiecutter.__entities }}(self) -> "MemoryUnitOfWork":
        """The repository."""
        return self

    @property
    def answers(self) -> "MemoryUnitOfWork":
        """The answer store."""
        return self

    async def add(self, new: {{ cookiecutter.__Entity }}) -> None:
        """Store a new aggregate."""
        self._stage(new)

    async def get(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """Load one to change it."""
        if id in self.changed:
            return replace(self.changed[id][1])
        return await self.database.find(id)

    async def save(self, changed: {{ cookiecutter.__Entity }}) -> None:
        """Store what was changed."""
        self._stage(changed)

    async def claim(self, key: IdempotencyKey) -> bytes | None:
        """Take hold of a key until the transaction ends."""
        if not self.hold(f"key {key.value}"):
            raise KeyInUse
        kept = self.database.answers.get(key.value)
        if kept is None:
            return None
        if kept.fingerprint != key.fingerprint:
            raise KeyReused
        return kept.answer

    async def keep(self, key: IdempotencyKey, answer: bytes, at: datetime) -> None:
        """Keep the answer with everything else that the transaction changes."""
        kept = _Kept(key.fingerprint, answer, at)
        self.at_commit(lambda: self.database.answers.update({key.value: kept}))

    def hold(self, name: str) -> bool:
        """Keep others from a name until the transaction ends; False if somebody else has it."""
        if name in self.database.held:
            return False
        self.database.held.add(name)
        self._held.add(name)
        return True

    def at_commit(self, effect: Callable[[], object]) -> None:
        """Have something done when everything is put in place; it must not fail."""
        self._effects.append(effect)

    def commit(self) -> None:
        """Put all changes in place, or none. No await in here: nothing can come in between."""
        rows = self.database.rows
        for id, (seen, _) in self.changed.items():
            stored = rows[id].version if id in rows else 0
            if stored != seen:
                raise VersionConflict(stored)
        rows.update((id, row) for id, (_, row) in self.changed.items())
        for effect in self._effects:
            effect()

    def _stage(self, aggregate: {{ cookiecutter.__Entity }}) -> None:
        seen, _ = self.changed.get(aggregate.id, (aggregate.stored_version, None))
        self.events += aggregate.take_events()
        self.changed[aggregate.id] = (seen, replace(aggregate))
