"""Adds and strips retry and dead-letter headers.

Body and the sender's own headers stay as they are. A copy gets a message id of its own, because the broker returns a
message by its id; the original id is kept in a header.
"""

from collections.abc import Mapping
from copy import copy
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, cast
from uuid import uuid4

from aio_pika import DeliveryMode
from aio_pika import Message as Copy
from aio_pika.abc import AbstractIncomingMessage
from aiormq import spec
from aiormq.abc import DeliveredMessage
from pamqp.header import ContentHeader

from ....identity import utc_now
from ...port import CONTENT_TYPE, DeadLetter, Delivery, Message
from .topology import DELIVERIES

OURS = "x-handling-"
ATTEMPTS = OURS + "attempts"
REASON = OURS + "reason"
FAILED_AT = OURS + "failed-at"
MESSAGE_ID = OURS + "message-id"
# Headers that RabbitMQ adds when it redelivers or moves a message.
BROKERS = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "x-acquired-count", "x-opt-")
# The broker counts each redelivery, of a message that was returned as of one whose process died. So the first few are
# not counted as attempts, and a message that was returned so often is published again, which ends the broker's count.
# Before that it is requeued, because only then it keeps its place before later events of its aggregate.
UNCOUNTED = 5
# Headers go into one frame, of 128 KiB by default. If the sender's leave no room for ours, they are dropped.
_LARGEST_HEADERS = 100_000
_LONGEST_REASON = 2_000


def new_properties(message: Message) -> spec.Basic.Properties:
    """The properties of an event."""
    return spec.Basic.Properties(
        content_type=CONTENT_TYPE, delivery_mode=DeliveryMode.PERSISTENT, message_id=message.id
    )


def to_delivery(message: DeliveredMessage) -> Delivery:
    """The message as its handler receives it."""
    properties = message.header.properties
    if not properties.headers:
        return Delivery(message.body, _plain_headers({}, properties.content_type))
    headers = _plain_headers(properties.headers, properties.content_type)
    failures = _number(properties.headers.get(ATTEMPTS)) + max(0, redeliveries(message) - UNCOUNTED)
    return Delivery(message.body, headers, attempt=1 + failures)


def redeliveries(message: DeliveredMessage) -> int:
    """How often the broker has delivered this message, or this copy of it, before."""
    return _number((message.header.properties.headers or {}).get("x-delivery-count"))


def to_retry(message: AbstractIncomingMessage, attempt: int, seconds: float) -> Copy:
    """The copy that waits for its retry."""
    retry = _copy(message, {ATTEMPTS: attempt})
    retry.expiration = max(0.001, seconds)
    return retry


def to_return(message: AbstractIncomingMessage, attempt: int) -> Copy:
    """The copy of a message that was not tried; its next delivery has the same attempt."""
    return _copy(message, {ATTEMPTS: attempt - 1})


def to_dead_letter(message: AbstractIncomingMessage, attempt: int, reason: str) -> Copy:
    """The copy that becomes the dead letter."""
    ours = {ATTEMPTS: attempt, REASON: reason[:_LONGEST_REASON], FAILED_AT: utc_now().isoformat()}
    return _copy(message, ours)


def as_new(message: AbstractIncomingMessage) -> Copy:
    """The copy of a dead letter that is delivered as if for the first time."""
    new = cast(Copy, copy(message))
    new.message_id = _message_id(message) or str(uuid4())
    new.headers = _theirs(message.headers)
    new.user_id = None
    return new


def read_dead_letter(message: AbstractIncomingMessage) -> DeadLetter:
    """A message of a dead-letter queue, where the broker itself moves messages that kill each consumer."""
    headers = message.headers
    by_us = FAILED_AT in headers
    return DeadLetter(
        id=message.message_id if by_us and message.message_id else _digest(message),
        reason=str(headers.get(REASON) or headers.get("x-first-death-reason") or "unknown"),
        attempts=_number(headers.get(ATTEMPTS)) + (0 if by_us else DELIVERIES),
        failed_at=_failed_at(headers),
        headers=_plain_headers(headers, message.content_type),
        body=message.body,
    )


def _copy(message: AbstractIncomingMessage, ours: Mapping[str, Any]) -> Copy:
    result = cast(Copy, copy(message))
    if message_id := _message_id(message):
        ours = {**ours, MESSAGE_ID: message_id}
    result.headers = {**_theirs(message.headers), **ours}
    result.message_id = str(uuid4())
    result.delivery_mode = DeliveryMode.PERSISTENT
    result.expiration = None
    result.user_id = None  # the broker accepts no message in the name of another account
    if len(ContentHeader(properties=result.properties).marshal()) > _LARGEST_HEADERS:
        result.headers = dict(ours)
    return result


def _message_id(message: AbstractIncomingMessage) -> str | None:
    """The id that it was sent with."""
    found = message.headers.get(MESSAGE_ID) if ATTEMPTS in message.headers else message.message_id
    return str(found) if found else None


def _theirs(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if not name.startswith((OURS, *BROKERS))}


def _plain_headers(headers: Mapping[str, Any], content_type: str | None) -> dict[str, str]:
    plain = {name: _text(value) for name, value in _theirs(headers).items()}
    return plain | {"content-type": content_type} if content_type else plain


def _number(value: object) -> int:
    return max(0, value) if isinstance(value, int) else 0


def _text(value: object) -> str:
    return bytes(value).decode(errors="replace") if isinstance(value, (bytes, bytearray)) else str(value)


def _failed_at(headers: Mapping[str, Any]) -> datetime:
    try:
        found = (
            datetime.fromisoformat(str(headers[FAILED_AT])) if FAILED_AT in headers else headers["x-death"][0]["time"]
        )
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (AttributeError, LookupError, TypeError, ValueError):
        return datetime.fromtimestamp(0, UTC)


def _digest(message: AbstractIncomingMessage) -> str:
    """An id for a dead letter whose message id another client chose."""
    return sha256(repr((message.message_id, sorted(_theirs(message.headers)), message.body)).encode()).hexdigest()[:32]
