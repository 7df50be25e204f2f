"""The in-memory database: dictionaries that transactions change all at once, when they end."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from ...audit.entry import AuditEntry
from ...audit.port import AuditQuery
from ...domain import Aggregate
from ..port import PoolUsage
from .audit import matches
from .idempotency import SavedResponse
from .transaction import MemoryTransaction

_log = structlog.stdlib.get_logger("database")


class MemoryDatabase:
    """Aggregates by kind and id, and saved responses by idempotency key."""

    kind = "in-memory"

    def __init__(self) -> None:
        self.aggregates: dict[type[Aggregate[Any]], dict[UUID, Any]] = {}
        self.responses: dict[str, SavedResponse] = {}
        self.audit_entries: list[AuditEntry] = []
        self.held: set[str] = set()

    async def open(self) -> None:
        """Nothing to open; a log line says where data is."""
        _log.warning("no DATABASE_URL: data is kept in memory and lives as long as this process")

    async def close(self) -> None:
        """Nothing to close."""

    async def check(self) -> None:
        """Always available."""

    def usage(self) -> PoolUsage:
        """No connections."""
        return PoolUsage(in_use=0, idle=0, limit=0)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryTransaction]:
        """A transaction; two that change the same aggregate conflict when the second one ends."""
        transaction = MemoryTransaction(self)
        try:
            yield transaction
            transaction.commit()
        finally:
            transaction.release()

    def stored(self, kind: type[Aggregate[Any]]) -> dict[UUID, Any]:
        """The aggregates of a kind, as they are stored: copy before a change."""
        return self.aggregates.setdefault(kind, {})

    async def purge_idempotency_keys(self, before: datetime) -> int:
        """Delete responses saved before a time."""
        expired = [key for key, saved in self.responses.items() if saved.at < before]
        for key in expired:
            del self.responses[key]
        return len(expired)

    async def find_audit_entries(self, wanted: AuditQuery) -> Sequence[AuditEntry]:
        """The newest entries that a query describes, the newest first."""
        found = [entry for entry in self.audit_entries if matches(entry, wanted)]
        return sorted(found, key=lambda entry: (entry.recorded_at, entry.id), reverse=True)[: wanted.limit]

    async def purge_audit_entries(self, before: datetime) -> int:
        """Delete entries recorded before a time."""
        count = len(self.audit_entries)
        self.audit_entries[:] = [entry for entry in self.audit_entries if entry.recorded_at >= before]
        return count - len(self.audit_entries)
