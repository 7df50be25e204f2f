"""The interface of the audit log. Each database's passes `chassis.testing.audit`."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from .entry import AuditEntry


class AuditLog(Protocol):
    """The audit log within a transaction."""

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Add entries; they are stored together with everything else in the transaction, or not at all."""
        ...


class AuditedTransaction(Protocol):
    """A transaction that entries are part of."""

    @property
    def audit(self) -> AuditLog: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which entries to find: those for which everything given here holds.

    Args:
        limit: how many at most, the newest of them.
        entity_kind: such as `invoice`.
        entity_id: as text.
        actor: the subject of the caller.
        outcome: `done` or `refused`.
        since: recorded then or later.
        until: recorded before.
    """

    limit: int
    entity_kind: str | None = None
    entity_id: str | None = None
    actor: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditedDatabase(Protocol):
    """A database with an audit log."""

    async def open(self) -> None:
        """Prepare for use."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...

    def begin(self) -> AbstractAsyncContextManager[AuditedTransaction]:
        """A transaction: commits at the end of the block, rolls back if it raises. Raises Unavailable."""
        ...

    async def find_audit_entries(self, wanted: AuditQuery) -> Sequence[AuditEntry]:
        """The newest entries that a query describes, the newest first. Raises Unavailable."""
        ...

    async def purge_audit_entries(self, before: datetime) -> int:
        """Delete entries recorded before a time, in small steps; returns how many.

        Raises:
            Unavailable: the database cannot be used, or the account may not delete them.
        """
        ...
