"""Opaque cursors: clients send back what they were given, so that the ordering behind them may change."""

import base64
import binascii
from uuid import UUID

from ..domain import InvalidValue


def encode_cursor(id: UUID) -> str:
    """A cursor that continues after an id."""
    return base64.urlsafe_b64encode(id.bytes).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> UUID | None:
    """The id to continue after. Raises InvalidValue."""
    if cursor is None:
        return None
    try:
        id = UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise InvalidValue("cursor", "was not issued by this list") from None
    return id
