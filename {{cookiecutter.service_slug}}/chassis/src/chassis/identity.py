"""Time and identity, from the machine."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

UUID_TIME_ORDERED = 7


def utc_now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): it increases in time, so that rows of one moment lie together in an index."""
    return uuid7()


def age_seconds(id: UUID, at: datetime) -> float:
    """The age in seconds of an id made by `new_id`; 0 for another kind of id, which does not hold the time."""
    return max(0.0, at.timestamp() - (id.int >> 80) / 1000) if id.version == UUID_TIME_ORDERED else 0.0
