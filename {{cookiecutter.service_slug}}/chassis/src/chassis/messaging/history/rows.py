"""Entries as rows of a table: the same columns, in the same order, on every database that speaks SQL."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from ...database.port import Row
from .port import HistoryEntry

COLUMNS = "aggregate, aggregate_id, version, event_id, type, occurred_at, data"


def to_row(entry: HistoryEntry) -> Sequence[Any]:
    """The values of `COLUMNS`."""
    data = orjson.dumps(entry.data).decode()
    return entry.aggregate, entry.aggregate_id, entry.version, entry.event_id, entry.type, entry.occurred_at, data


def to_entry(
    row: Row,
    to_uuid: Callable[[Any], UUID] = lambda column: column,
    to_time: Callable[[Any], datetime] = lambda column: column,
) -> HistoryEntry:
    """Map a row of `COLUMNS`.

    Args:
        row: as it was read.
        to_uuid: the identity in a column, where the driver returns another type.
        to_time: the time in a column, where the driver returns another type.
    """
    aggregate, aggregate_id, version, event_id, type, occurred_at, data = row
    return HistoryEntry(
        event_id=to_uuid(event_id),
        type=type,
        aggregate=aggregate,
        aggregate_id=to_uuid(aggregate_id),
        version=version,
        occurred_at=to_time(occurred_at),
        data=orjson.loads(data),
    )
