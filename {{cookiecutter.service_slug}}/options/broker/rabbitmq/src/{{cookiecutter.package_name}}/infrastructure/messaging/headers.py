"""What is noted on a message while it is tried again or put aside, and how it gets its old face back.

The body stays as it is, and so do the headers of whoever sent it. A copy has an id of its own, because the broker gives
a message back by its id; the id that it had is noted.
"""

from collections.abc import Mapping
from copy import copy
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

from aiormq import spec
from aiormq.abc import DeliveredMessage
from pamqp.header import ContentHeader

from ..identity import utc_now
from .port import CONTENT_TYPE, DeadLetter, Delivery, Message
from .topology import DELIVERIES

OURS = "x-handling-"
ATTEMPTS = OURS + "attempts"
REASON = OURS + "reason"
FAILED_AT = OURS + "failed-at"
MESSAGE_ID = OURS + "message-id"
# What RabbitMQ itself notes when it delivers again or moves a message.
BROKERS = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "x-acquired-count", "x-opt-")
_PERSISTENT = 2
# Headers go into one frame, of 128 KiB by default. Those that leave no room for ours are given up, not the message.
_LARGEST_HEADERS = 100_000
_LONGEST_REASON = 2_000


def new_properties(message: Message) -> spec.Basic.Properties:
    """Of an event."""
    return spec.Basic.Properties(content_type=CONTENT_TYPE, delivery_mode=_PERSISTENT, message_id=message.id)


def to_delivery(message: DeliveredMessage) -> Delivery:
    """As the consumer sees it."""
    properties = message.header.properties
    if not properties.headers:
        return Delivery(message.body, _content_type(properties))
    return Delivery(message.body, _plain_headers(properties), attempt=1 + _failures(properties.headers))


def to_retry(message: DeliveredMessage, attempt: int, seconds: float) -> spec.Basic.Properties:
    """Of the copy that waits for its next attempt."""
    properties = _copy(message, {ATTEMPTS: attempt})
    properties.expiration = str(max(1, round(seconds * 1000)))
    return properties


def to_dead_letter(message: DeliveredMessage, attempt: int, reason: str) -> spec.Basic.Properties:
    """Of the copy that is put aside."""
    noted = {ATTEMPTS: attempt, REASON: reason[:_LONGEST_REASON], FAILED_AT: utc_now().isoformat()}
    return _copy(message, noted)


def as_new(message: DeliveredMessage) -> spec.Basic.Properties:
    """Of a dead letter that is delivered as if for the first time."""
    properties = copy(message.header.properties)
    properties.message_id = _message_id(properties) or str(uuid4())
    properties.headers = _theirs(properties) or None
    properties.user_id = None
    return properties


def to_dead_letter_of(message: DeliveredMessage) -> DeadLetter:
    """What lies in a queue of dead letters; the broker itself puts those there that kill whoever takes them."""
    properties = message.header.properties
    noted = properties.headers or {}
    by_us = FAILED_AT in noted
    return DeadLetter(
        id=str(properties.message_id) if by_us and properties.message_id else _digest(message),
        reason=str(noted.get(REASON) or noted.get("x-first-death-reason") or "unknown"),
        attempts=_number(noted.get(ATTEMPTS)) + (0 if by_us else DELIVERIES),
        failed_at=_failed_at(noted),
        headers=_plain_headers(properties),
        body=message.body,
    )


def _copy(message: DeliveredMessage, noted: Mapping[str, Any]) -> spec.Basic.Properties:
    properties = copy(message.header.properties)
    if message_id := _message_id(properties):
        noted = {**noted, MESSAGE_ID: message_id}
    properties.headers = {**_theirs(properties), **noted}
    properties.message_id = str(uuid4())
    properties.delivery_mode = _PERSISTENT
    properties.expiration = None
    properties.user_id = None  # the broker takes no message in the name of another
    if len(ContentHeader(properties=properties).marshal()) > _LARGEST_HEADERS:
        properties.headers = dict(noted)
    return properties


def _message_id(properties: spec.Basic.Properties) -> str | None:
    """The one it was sent with."""
    noted = properties.headers or {}
    found = noted.get(MESSAGE_ID) if ATTEMPTS in noted else properties.message_id
    return str(found) if found else None


def _theirs(properties: spec.Basic.Properties) -> dict[str, Any]:
    noted = properties.headers or {}
    return {name: value for name, value in noted.items() if not name.startswith((OURS, *BROKERS))}


def _plain_headers(properties: spec.Basic.Properties) -> dict[str, str]:
    return {name: _text(value) for name, value in _theirs(properties).items()} | _content_type(properties)


def _content_type(properties: spec.Basic.Properties) -> dict[str, str]:
    return {"content-type": properties.content_type} if properties.content_type else {}


def _failures(noted: Mapping[str, Any]) -> int:
    return _number(noted.get(ATTEMPTS)) + _number(noted.get("x-delivery-count"))


def _number(value: object) -> int:
    return max(0, value) if isinstance(value, int) else 0


def _text(value: object) -> str:
    return bytes(value).decode(errors="replace") if isinstance(value, (bytes, bytearray)) else str(value)


def _failed_at(noted: Mapping[str, Any]) -> datetime:
    try:
        found = datetime.fromisoformat(str(noted[FAILED_AT])) if FAILED_AT in noted else noted["x-death"][0]["time"]
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (AttributeError, LookupError, TypeError, ValueError):
        return datetime.fromtimestamp(0, UTC)


def _digest(message: DeliveredMessage) -> str:
    """For a letter without an id that could be trusted to be its own."""
    properties = message.header.properties
    return sha256(repr((properties.message_id, sorted(_theirs(properties)), message.body)).encode()).hexdigest()[:32]
