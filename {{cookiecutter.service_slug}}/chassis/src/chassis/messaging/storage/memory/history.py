"""The history in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from uuid import UUID

from ....database.port import DatabaseTransaction
from ....errors import Interrupted
from ...history.port import HistoryEntry
from .transaction import in_memory


class MemoryHistory:
    """A dictionary for each aggregate; changes take effect when their transaction commits."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, UUID], dict[int, HistoryEntry]] = {}

    async def last_version(self, transaction: DatabaseTransaction, aggregate: str, id: UUID) -> int:
        """Version of the last entry."""
        in_memory(transaction)
        return max(self._entries.get((aggregate, id), {}), default=0)

    async def append(self, transaction: DatabaseTransaction, entry: HistoryEntry) -> None:
        """Add an entry."""
        own, key, version = in_memory(transaction), (entry.aggregate, entry.aggregate_id), entry.version
        if version in self._entries.get(key, {}) or not own.hold(f"history {key} {version}"):
            raise Interrupted("database", "another transaction adds this version")
        entry = replace(entry, occurred_at=entry.occurred_at.astimezone(UTC))
        own.at_commit(lambda: self._entries.setdefault(key, {}).update({version: entry}))

    async def entries(self, aggregate: str, id: UUID, after: int, limit: int) -> Sequence[HistoryEntry]:
        """Entries by version."""
        found = self._entries.get((aggregate, id), {})
        return [found[version] for version in sorted(found) if version > after][:limit]
