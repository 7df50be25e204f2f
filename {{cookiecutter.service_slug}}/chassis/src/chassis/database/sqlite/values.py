"""Values as SQLite stores them. Identities and times are text that sorts like the value itself."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID


def encode(value: Any) -> Any:
    """A value as the driver takes it."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value


def to_uuid(column: str) -> UUID:
    """The identity in a column."""
    return UUID(column)


def to_time(column: str) -> datetime:
    """The time in a column, in UTC."""
    return datetime.fromisoformat(column)
