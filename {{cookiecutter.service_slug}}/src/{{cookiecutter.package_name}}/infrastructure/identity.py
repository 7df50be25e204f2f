"""Time and identity, from the machine."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

UUID_TIME_ORDERED = 7


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): increasing in time, so that rows of one moment lie together in an index."""
    return uuid7()


def age_seconds(id: UUID, at: datetime) -> float:
    """How old an id of `new_id` was at a time; 0 for an id of another kind, which does not hold the time."""
    return max(0.0, at.timestamp() - (id.int >> 80) / 1000) if id.version == UUID_TIME_ORDERED else 0.0
