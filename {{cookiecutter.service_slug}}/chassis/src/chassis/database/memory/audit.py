"""The audit log in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...audit.entry import AuditEntry
from ...audit.port import AuditQuery

if TYPE_CHECKING:
    from .transaction import MemoryTransaction


class MemoryAuditLog:
    """Takes part in a transaction."""

    def __init__(self, transaction: MemoryTransaction) -> None:
        self._transaction = transaction

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Keep the entries together with everything else that the transaction changes."""
        log, added = self._transaction.database.audit_entries, list(entries)
        self._transaction.at_commit(lambda: log.extend(added))


def matches(entry: AuditEntry, wanted: AuditQuery) -> bool:
    """Whether an entry is one of those that a query describes."""
    names = ("entity_kind", "entity_id", "actor", "outcome")
    return (
        all(getattr(wanted, name) in (None, getattr(entry, name)) for name in names)
        and (wanted.since is None or entry.recorded_at >= wanted.since)
        and (wanted.until is None or entry.recorded_at < wanted.until)
    )
