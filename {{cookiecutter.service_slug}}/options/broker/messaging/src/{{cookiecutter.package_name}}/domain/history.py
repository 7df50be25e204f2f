"""What has happened to each aggregate, kept for reading: a projection of the events that the service publishes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from .errors import DomainError


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One event as it was published; `version` is the aggregate's version after it."""

    event_id: UUID
    type: str
    aggregate_id: UUID
    version: int
    occurred_at: datetime
    data: Mapping[str, Any]


class Early(DomainError):
    """An event came before the one that it follows; it fits in once that one has come."""

    def __init__(self, version: int, last: int) -> None:
        super().__init__(f"version {version} came while the last one known is {last}")


class History(Protocol):
    """The entries, inside one transaction."""

    async def last_version(self, id: UUID) -> int:
        """Version of an aggregate's last entry; 0 if there is none."""
        ...

    async def add(self, entry: HistoryEntry) -> None:
        """Store an entry. No two have the same aggregate and version. Raises Interrupted if somebody was faster."""
        ...


class HistoryQueries(Protocol):
    """Reading without a transaction."""

    async def history(self, id: UUID, after: int, limit: int) -> Sequence[HistoryEntry]:
        """Entries of an aggregate by version, those after a given one. Raises Unavailable."""
        ...
