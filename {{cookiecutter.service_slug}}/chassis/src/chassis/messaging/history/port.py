"""The journal of published events: append-only, per aggregate, without gaps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from ...database.port import DatabaseTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One event as it was published.

    Args:
        event_id: of the event.
        type: of the event, such as `billing-service.invoice.paid`.
        aggregate: kind of the aggregate, such as `invoice`.
        aggregate_id: of the aggregate.
        version: of the aggregate after the event.
        occurred_at: when it happened.
        data: the event's data.
    """

    event_id: UUID
    type: str
    aggregate: str
    aggregate_id: UUID
    version: int
    occurred_at: datetime
    data: Mapping[str, Any]


class History(Protocol):
    """The history of a database."""

    async def last_version(self, transaction: DatabaseTransaction, aggregate: str, id: UUID) -> int:
        """Version of an aggregate's last entry; 0 if it has none."""
        ...

    async def append(self, transaction: DatabaseTransaction, entry: HistoryEntry) -> None:
        """Store an entry; its version is unique within the aggregate. Raises Interrupted if another was faster."""
        ...

    async def entries(self, aggregate: str, id: UUID, after: int, limit: int) -> Sequence[HistoryEntry]:
        """Entries of an aggregate by version, those after a given one. Raises Unavailable."""
        ...
