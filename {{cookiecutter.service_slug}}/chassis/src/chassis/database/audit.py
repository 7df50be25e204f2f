"""Statements and rows of the audit log, for every database that speaks SQL."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from ..audit.entry import AuditEntry
from ..audit.port import AuditQuery
from .port import Row

COLUMNS = (
    "id",
    "recorded_at",
    "actor",
    "client_id",
    "address",
    "action",
    "entity_kind",
    "entity_id",
    "entity_version",
    "outcome",
    "reason",
    "correlation_id",
)
# The placeholder of the nth value, from 1, such as `$1`.
Placeholder = Callable[[int], str]


def insert(placeholder: Placeholder) -> str:
    """The statement that adds an entry, from the values of `to_row`."""
    placeholders = ", ".join(map(placeholder, range(1, len(COLUMNS) + 1)))
    return f"INSERT INTO audit_entries ({', '.join(COLUMNS)}) VALUES ({placeholders})"  # noqa: S608 - no values


def to_row(entry: AuditEntry) -> Sequence[Any]:
    """The values of an entry, in the order of its columns."""
    return [getattr(entry, column) for column in COLUMNS]


def select(wanted: AuditQuery, placeholder: Placeholder) -> tuple[str, Sequence[Any]]:
    """The statement that finds entries, the newest first, and its values."""
    conditions = list(_conditions(wanted))
    texts = [f"{condition} {placeholder(number)}" for number, (condition, _) in enumerate(conditions, 1)]
    where = f" WHERE {' AND '.join(texts)}" if texts else ""
    statement = (
        f"SELECT {', '.join(COLUMNS)} FROM audit_entries{where} "  # noqa: S608 - no values
        f"ORDER BY recorded_at DESC, id DESC LIMIT {wanted.limit:d}"
    )
    return statement, [value for _, value in conditions]


def to_entry(row: Row, to_uuid: Callable[[Any], UUID], to_time: Callable[[Any], datetime]) -> AuditEntry:
    """Map a row that was read.

    Args:
        row: in the order of the columns.
        to_uuid: maps an identity as the driver returns it.
        to_time: maps a time.
    """
    id, recorded_at, *others = row
    texts = dict(zip(COLUMNS[2:], others, strict=True))
    return AuditEntry(id=to_uuid(id), recorded_at=to_time(recorded_at), **texts)


def _conditions(wanted: AuditQuery) -> Iterator[tuple[str, Any]]:
    for condition, value in (
        ("entity_kind =", wanted.entity_kind),
        ("entity_id =", wanted.entity_id),
        ("actor =", wanted.actor),
        ("outcome =", wanted.outcome),
        ("recorded_at >=", wanted.since),
        ("recorded_at <", wanted.until),
    ):
        if value is not None:
            yield condition, value
