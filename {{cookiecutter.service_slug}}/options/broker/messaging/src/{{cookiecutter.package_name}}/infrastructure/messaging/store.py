"""What messaging keeps in the service's own database, in the transactions of the data that it is about.

The outbox holds events until the broker has confirmed them; the inbox remembers which messages have had their effect.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ...domain.history import History, HistoryQueries
from ...domain.ports import UnitOfWork
from .port import Message


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in the outbox; `count` stops at a limit, `oldest_seconds` is the age of the first one, 0 if none."""

    count: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message in the outbox and the time in UTC at which it was put there."""

    message: Message
    since: datetime


class Bookkeeping(Protocol):
    """Inside one transaction."""

    @property
    def history(self) -> History: ...

    async def enqueue(self, messages: Sequence[Message]) -> None:
        """Put messages into the outbox, in order."""
        ...

    async def first_time(self, consumer: str, id: str, at: datetime) -> bool:
        """Note that a consumer has taken a message; False if it has done so before.

        Whoever comes while another transaction takes the same message waits for its end, or is told by Interrupted.
        """
        ...


class Batch(Protocol):
    """Messages that no other relay can take meanwhile; those of one key in order, and none that follows on others."""

    @property
    def waiting(self) -> Sequence[Waiting]: ...

    async def remove(self, ids: Collection[str]) -> None:
        """Take messages out of the outbox."""
        ...


class MessageStore(HistoryQueries, Protocol):
    """The tables of messaging."""

    def within(self, work: UnitOfWork) -> Bookkeeping:
        """Take part in a transaction of the same database."""
        ...

    def take(self, limit: int, without: Collection[str] = ()) -> AbstractAsyncContextManager[Batch]:
        """Oldest messages that no other relay holds; none if others hold all of them.

        Those of some keys can be left out. They hold up no others, however many they are and however old.

        However the block ends, what was removed is gone and the rest can be taken again. If the process dies, what it
        held is free at once, and what it removed may come again.

        Raises:
            Unavailable: the database cannot be used.
        """
        ...

    def arrivals(self) -> AbstractAsyncContextManager["Arrivals"]:
        """Watch for new messages as long as the block lasts."""
        ...

    async def backlog(self, limit: int) -> Backlog:
        """What waits, counted up to a limit. Raises Unavailable."""
        ...

    async def forget_received(self, before: datetime) -> int:
        """Delete what the inbox holds since before a time; says how many."""
        ...


class Arrivals(Protocol):
    """Tells a relay when to look again."""

    async def wait(self) -> None:
        """Until there may be something new; never for longer than a few seconds, because a hint can get lost."""
        ...

    def busy(self) -> None:
        """There was something: more of it is likely."""
        ...
