"""Values as MySQL stores them: identities as 16 bytes, times in UTC without a time zone."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID


def encode(value: Any) -> Any:
    """A value as the driver takes it."""
    if isinstance(value, UUID):
        return value.bytes
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def to_uuid(column: bytes) -> UUID:
    """The identity in a column."""
    return UUID(bytes=column)


def to_time(column: datetime) -> datetime:
    """The time in a column, in UTC."""
    return column.replace(tzinfo=UTC)
