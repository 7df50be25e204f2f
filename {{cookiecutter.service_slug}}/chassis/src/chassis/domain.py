"""Base classes of a domain: events and aggregates. Imports the standard library only.

An aggregate's commands check its invariants and record events; only `apply` changes state. Because of that split the
same aggregate can be stored as a row or rebuilt from its events.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar
from uuid import UUID


class DomainError(Exception):
    """Base of every refusal that a caller can understand and act upon."""


class InvalidValue(DomainError):
    """A value breaks the rule of its field."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


class NotFound(DomainError):
    """Nothing is stored under this id."""

    def __init__(self, noun: str, id: UUID) -> None:
        super().__init__(f"no {noun} {id}")
        self.noun = noun


class InvalidTransition(DomainError):
    """The life cycle does not allow this step in the aggregate's present status."""

    def __init__(self, noun: str, step: str, status: str, version: int) -> None:
        super().__init__(f"a {status} {noun} cannot be {step}")
        self.noun = noun
        self.version = version


class VersionConflict(DomainError):
    """The aggregate has changed since the caller read it."""

    def __init__(self, noun: str, current: int) -> None:
        super().__init__(f"the {noun} is at version {current} now")
        self.noun = noun
        self.version = current


class NotPermitted(DomainError):
    """The caller may not do this to this aggregate."""

    def __init__(self, noun: str, step: str, reason: str) -> None:
        super().__init__(f"the {noun} cannot be {step}: {reason}")
        self.noun = noun


class Clock(Protocol):
    """The current time, with a time zone."""

    def __call__(self) -> datetime: ...


class NewId(Protocol):
    """A new identity that increases in time (UUIDv7, RFC 9562): lists and indexes rely on that order."""

    def __call__(self) -> UUID: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """A fact about one aggregate, in the past tense; it never changes.

    Args:
        id: of the aggregate.
        version: of the aggregate after the event.
        occurred_at: when it happened, in UTC.
    """

    # The kind of aggregate, such as `invoice`, and what happened to it, such as `paid`: both are part of the type under
    # which the event is published, so they never change either.
    aggregate: ClassVar[str]
    action: ClassVar[str]

    id: UUID
    version: int
    occurred_at: datetime


E = TypeVar("E", bound=DomainEvent)


@dataclass(slots=True, kw_only=True)
class Aggregate(ABC, Generic[E]):
    """A consistency boundary: changed by one transaction at a time, guarded by its version.

    Args:
        id: a UUIDv7.
        version: counts every change, from 1.
        created_at: when its first event occurred, in UTC.
        updated_at: when its latest event occurred, in UTC.
    """

    # What people call one, such as `invoice`; errors use it.
    noun: ClassVar[str]

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    _recorded: list[E] = field(default_factory=list, init=False, repr=False, compare=False)

    @abstractmethod
    def apply(self, event: E) -> None:
        """Change the state as an event describes. Never refuses: the event has already happened."""

    def record(self, event: E) -> None:
        """Apply a new event and keep it until the unit of work stores it together with the state."""
        self.apply(event)
        self.version = event.version
        self.updated_at = event.occurred_at
        self._recorded.append(event)

    def require_version(self, expected: Collection[int] | None) -> None:
        """Raise VersionConflict unless the caller has seen the present version; None accepts any."""
        if expected is not None and self.version not in expected:
            raise VersionConflict(self.noun, self.version)

    @property
    def stored_version(self) -> int:
        """The version in storage while recorded events are not yet written."""
        return self.version - len(self._recorded)

    def take_events(self) -> list[E]:
        """Return the recorded events, once."""
        events, self._recorded = self._recorded, []
        return events


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list.

    Args:
        items: the page's items.
        more: whether another page follows.
    """

    items: Sequence[T]
    more: bool

    @classmethod
    def cut(cls, found: Sequence[T], limit: int) -> Self:
        """A page of at most `limit` items; one more item found means that another page follows."""
        return cls(found[:limit], len(found) > limit)


class Transaction(Protocol):
    """A running transaction. Repositories bind to it; the domain knows nothing else about it."""

    @property
    def events(self) -> Sequence[DomainEvent]:
        """The events of the aggregates stored so far, in order."""
        ...


A = TypeVar("A", bound=Aggregate[Any])


class Repository(Protocol[A]):
    """The aggregates of one kind within one transaction: what a use case needs of storage."""

    async def add(self, new: A, /) -> None:
        """Store a new one."""
        ...

    async def get(self, id: UUID, /) -> A:
        """Load one to change it. Raises NotFound."""
        ...

    async def save(self, changed: A, /) -> None:
        """Store a changed one. Raises VersionConflict if another transaction was faster."""
        ...


class Store(Protocol[A]):
    """Reads aggregates of one kind, and binds a repository to a transaction.

    A service adds its own queries: `class InvoiceStore(Store[Invoice], Protocol)`.
    """

    def within(self, transaction: Transaction, /) -> Repository[A]:
        """The repository within a transaction."""
        ...

    async def find(self, id: UUID, /) -> A:
        """Read one. Raises NotFound, and `chassis.errors.Unavailable` while the database is away."""
        ...
