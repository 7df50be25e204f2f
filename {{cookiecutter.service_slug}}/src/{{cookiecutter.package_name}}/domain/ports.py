"""What the domain needs from the outside. Adapters in `infrastructure` provide it, tests in memory do too."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from .events import {{ cookiecutter.__Entity }}Event
from .idempotency import IdempotencyKey
from .model import {{ cookiecutter.__Entity }}
from .values import Status


class Clock(Protocol):
    """The time now, with a time zone."""

    def __call__(self) -> datetime: ...


class NewId(Protocol):
    """A new identity, increasing in time (UUIDv7, RFC 9562): lists and indexes rely on that order."""

    def __call__(self) -> UUID: ...


class Repository(Protocol):
    """The aggregates, inside one transaction."""

    async def add(self, new: {{ cookiecutter.__Entity }}) -> None:
        """Store a new aggregate."""
        ...

    async def get(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """Load one to change it. Raises NotFound."""
        ...

    async def save(self, changed: {{ cookiecutter.__Entity }}) -> None:
        """Store what was changed. Raises VersionConflict if somebody else was faster."""
        ...


class AnswerStore(Protocol):
    """Answers given earlier, kept in the transaction that had the effect."""

    async def claim(self, key: IdempotencyKey) -> bytes | None:
        """Take hold of a key until the transaction ends; must come before any other step in it.

        Returns:
            the answer given earlier, or None if this is the first time.

        Raises:
            KeyReused: the key was used for another request.
            KeyInUse: another transaction holds the key.
        """
        ...

    async def keep(self, key: IdempotencyKey, answer: bytes, at: datetime) -> None:
        """Keep the answer for whoever asks again."""
        ...


class UnitOfWork(Protocol):
    """Everything that one transaction reads and writes."""

    @property
    def {{ cookiecutter.__entities }}(self) -> Repository: ...

    @property
    def answers(self) -> AnswerStore: ...

    @property
    def events(self) -> Sequence[{{ cookiecutter.__Entity }}Event]:
        """What the aggregates stored so far have recorded, in order."""
        ...


T = TypeVar("T")


class Transactions(Protocol):
    """Where transactions run."""

    async def run(self, step: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Run a step in a transaction and commit it; nothing is stored if it raises.

        Args:
            step: may be run again if the database breaks off, so it must touch nothing but its unit of work.

        Raises:
            Unavailable: the database cannot be used; whether a commit still came through may be unknown.
        """
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `next` is the id to continue after, None on the last page."""

    items: Sequence[{{ cookiecutter.__Entity }}]
    next: UUID | None


class Queries(Protocol):
    """Reading without a transaction."""

    async def find(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """Raises NotFound, Unavailable."""
        ...

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Page:
        """Newest first, those after a given id. Raises Unavailable."""
        ...
