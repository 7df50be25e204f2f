"""One transaction in memory: it collects changes and applies all of them at its end, or none."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ...domain import Aggregate, DomainEvent, VersionConflict
from .audit import MemoryAuditLog
from .idempotency import MemoryIdempotencyStore

if TYPE_CHECKING:
    from .database import MemoryDatabase


class MemoryTransaction:
    """The changes of a transaction so far."""

    def __init__(self, database: MemoryDatabase) -> None:
        self.database = database
        self.events: list[DomainEvent] = []
        self.idempotency = MemoryIdempotencyStore(self)
        self.audit = MemoryAuditLog(self)
        # With the version that must still be stored at the end.
        self._changed: dict[tuple[type[Aggregate[Any]], UUID], tuple[int, Aggregate[Any]]] = {}
        self._effects: list[Callable[[], object]] = []
        self._held: set[str] = set()

    def collect(self, aggregate: Aggregate[Any]) -> None:
        """Take over the events that a stored aggregate has recorded."""
        self.events += aggregate.take_events()

    def changed(self, kind: type[Aggregate[Any]], id: UUID) -> Aggregate[Any] | None:
        """An aggregate as this transaction has changed it; None if it has not."""
        _, aggregate = self._changed.get((kind, id), (0, None))
        return aggregate

    def change(self, kind: type[Aggregate[Any]], aggregate: Aggregate[Any]) -> None:
        """Store a copy of an aggregate when the transaction ends, and collect its events."""
        key = (kind, aggregate.id)
        expected, _ = self._changed.get(key, (aggregate.stored_version, None))
        self.collect(aggregate)
        self._changed[key] = (expected, deepcopy(aggregate))

    def hold(self, name: str) -> bool:
        """Reserve a name until the transaction ends; False if another transaction holds it."""
        if name in self.database.held:
            return False
        self.database.held.add(name)
        self._held.add(name)
        return True

    def at_commit(self, effect: Callable[[], object]) -> None:
        """Call an effect when the changes are applied; it must not fail."""
        self._effects.append(effect)

    def commit(self) -> None:
        """Apply all changes, or none. It awaits nothing, so no other transaction can come between."""
        for (kind, id), (expected, aggregate) in self._changed.items():
            stored = self.database.stored(kind).get(id)
            version = stored.version if stored is not None else 0
            if version != expected:
                raise VersionConflict(aggregate.noun, version)
        for (kind, id), (_, aggregate) in self._changed.items():
            self.database.stored(kind)[id] = aggregate
        for effect in self._effects:
            effect()

    def release(self) -> None:
        """Free the names that it holds."""
        self.database.held -= self._held
