"""Transactional outbox: events wait in the service's own database until the broker has confirmed them.

See the pattern "Transactional outbox" (microservices.io).
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ...database.port import DatabaseTransaction
from ..port import Message


@dataclass(frozen=True, slots=True)
class Backlog:
    """The messages that wait in the outbox.

    Args:
        count: of messages, up to a limit.
        oldest_seconds: age of the oldest message; 0 if there is none.
    """

    count: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """A message in the outbox and the time in UTC at which it was enqueued."""

    message: Message
    since: datetime


class Batch(Protocol):
    """Messages claimed from the outbox; those of one key in order, and none that follows on others."""

    @property
    def waiting(self) -> Sequence[WaitingMessage]: ...

    async def remove(self, ids: Collection[str]) -> None:
        """Delete published messages from the outbox."""
        ...


class OutboxListener(Protocol):
    """Wakes a relay when there may be new messages."""

    async def wait(self) -> None:
        """Return when there may be new messages; after a few seconds at most, because a notification can get lost."""
        ...

    def busy(self) -> None:
        """The last look found messages: more are likely, so poll soon."""
        ...


class Outbox(Protocol):
    """The outbox of a database."""

    async def enqueue(self, transaction: DatabaseTransaction, messages: Sequence[Message]) -> None:
        """Store messages, in order, in a running transaction."""
        ...

    def claim(self, limit: int, without: Collection[str] = ()) -> AbstractAsyncContextManager[Batch]:
        """The oldest messages that no other relay has claimed; none if others hold all of them.

        However the block ends, removed messages are gone and the others can be claimed again. If the process dies, its
        claim ends at once, and messages that it removed may come again.

        Args:
            limit: how many messages at most.
            without: keys to skip. However many and old their messages are, they hold up no others.

        Raises:
            Unavailable: the database cannot be used.
        """
        ...

    def listening(self) -> AbstractAsyncContextManager[OutboxListener]:
        """Listen for new messages inside the block."""
        ...

    async def backlog(self, limit: int) -> Backlog:
        """The waiting messages, counted up to a limit. Raises Unavailable."""
        ...
