"""What the composition root expects of a database, beyond the domain's ports."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ...domain.ports import Queries, UnitOfWork


@dataclass(frozen=True, slots=True)
class PoolUsage:
    """Connections at this moment."""

    in_use: int
    idle: int
    limit: int


class Database(Queries, Protocol):
    """A database that is opened once, asked for its health, and closed at the end."""

    @property
    def kind(self) -> str:
        """What it is, for /info."""
        ...

    async def open(self) -> None:
        """Get ready; a server that is away now may come later and is no error here."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A transaction: commits when the block ends, rolls back when it raises.

        Raises:
            Interrupted: the database broke off before the commit, or says that it rolled back.
            Unavailable: it cannot be used, or went away during the commit, whose outcome is then unknown.
        """
        ...

    async def check(self) -> None:
        """Raises Unavailable with the reason, in a form that may be shown."""
        ...

    async def forget_answers(self, before: datetime) -> int:
        """Delete answers kept for idempotency keys since before a time; says how many."""
        ...

    def usage(self) -> PoolUsage:
        """Its connections."""
        ...
