"""Received records, and the copies in which a message waits for a retry or becomes a dead letter.

A copy holds the body and the headers as they were sent, and a few headers of this adapter. These count only in
topics that this adapter alone writes to: in a channel, any client may have set them.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from confluent_kafka import Message as KafkaMessage

from ....identity import new_id
from ...port import CONTENT_TYPE, Dead, DeadLetter, Delivery, Message, Retry, Subscription, channel_of
from .producer import RawHeaders, Record
from .topology import dead_topic, retry_topic, retry_topics

PREFIX = "x-delivery-"
ATTEMPT, DUE, ORIGIN, REASON = f"{PREFIX}attempt", f"{PREFIX}due", f"{PREFIX}origin", f"{PREFIX}reason"
LEFT_OUT, ORIGINAL = f"{PREFIX}left-out", f"{PREFIX}original"
HEADERS, HEADERS_AND_BODY = "headers", "headers and body"
LONGEST_REASON = 2_000
_EVENT_HEADERS: RawHeaders = [("content-type", CONTENT_TYPE.encode())]


class ReceivedRecord(NamedTuple):
    """A received record and its parsed headers.

    Args:
        due: not to be handled before this Unix time in seconds.
        origin: the place of the original record, which identifies the message through all attempts.
        size: of the body, in bytes.
    """

    record: KafkaMessage
    headers: RawHeaders
    attempt: int
    due: float
    origin: str
    size: int

    @property
    def body(self) -> bytes:
        """The body as it was sent; empty for a record without a value."""
        return self.record.value() or b""

    def delivery(self) -> Delivery:
        """The handler's argument."""
        return Delivery(self.body, as_text(self.headers), self.attempt)


def event_record(message: Message) -> Record:
    """The record of an event to publish."""
    return Record(message.id, channel_of(message.type), message.key, message.body, _EVENT_HEADERS)


def received(record: KafkaMessage, is_copy: bool) -> ReceivedRecord:
    """Parse a received record.

    Args:
        record: as received.
        is_copy: whether it comes from a topic that only this adapter writes to.
    """
    raw = _raw_headers(record)
    own = _own_headers(raw) if is_copy else {}
    return ReceivedRecord(
        record=record,
        headers=_sent_headers(raw) if own else raw,
        attempt=_number(own.get(ATTEMPT), 1),
        due=_number(own.get(DUE), 0) / 1_000,
        origin=own.get(ORIGIN) or _origin(record),
        size=len(record),
    )


def copies(received: ReceivedRecord, subscription: Subscription, verdict: Retry | Dead) -> Iterator[Record]:
    """The copies that can hold a message, each smaller than the one before: the next if one is too large.

    A received message can be larger than any copy: limits count what is sent at once, and its sender may compress that.
    """
    if isinstance(verdict, Retry):
        yield _retry_copy(received, subscription, verdict)
        verdict = Dead(f"too large to wait for another attempt: {verdict.reason}")
    whole = _dead_copy(received, subscription, verdict)
    yield whole
    own = [header for header in whole.headers if header[0].startswith(PREFIX)]
    for left_out, body in ((HEADERS, whole.value), (HEADERS_AND_BODY, b"")):
        noted = _encoded({LEFT_OUT: left_out, ORIGINAL: _original(received)})
        yield whole._replace(value=body, headers=[*own, *noted])


def replay_copy(record: KafkaMessage, subscription: Subscription) -> Record:
    """The copy that delivers a dead letter as if for the first time.

    It gets a new origin: should it become a dead letter again, and be written before the tombstone of its predecessor,
    that tombstone must not delete it.
    """
    headers = _sent_headers(_raw_headers(record))
    own = {ATTEMPT: "1", DUE: _milliseconds_from_now(0), ORIGIN: f"replay {new_id()}"}
    return Record("copy", retry_topics(subscription)[0], None, record.value() or b"", [*headers, *_encoded(own)])


def tombstone(id: str, subscription: Subscription) -> Record:
    """Deletes a dead letter."""
    return Record("tombstone", dead_topic(subscription), id, None, [], 0)


def dead_letter(id: str, record: KafkaMessage) -> DeadLetter:
    """Parse a record of a dead-letter topic."""
    raw = _raw_headers(record)
    own = _own_headers(raw)
    return DeadLetter(
        id=id,
        reason=own.get(REASON, ""),
        attempts=_number(own.get(ATTEMPT), 1),
        failed_at=datetime.fromtimestamp(record.timestamp()[1] / 1_000, UTC),
        headers=as_text(_sent_headers(raw)),
        body=record.value() or b"",
        left_out=f"{own[LEFT_OUT]}; the original: {own.get(ORIGINAL)}" if LEFT_OUT in own else "",
    )


def is_replayable(record: KafkaMessage) -> bool:
    """Whether a dead letter holds the body of its message."""
    return _own_headers(_raw_headers(record)).get(LEFT_OUT) != HEADERS_AND_BODY


def as_text(headers: RawHeaders) -> dict[str, str]:
    """Headers as the port defines them; of several with one name the last counts, as in Kafka's own clients."""
    return {name: (value or b"").decode(errors="replace") for name, value in headers}


def _retry_copy(received: ReceivedRecord, subscription: Subscription, verdict: Retry) -> Record:
    own = {
        ATTEMPT: str(received.attempt + 1),
        DUE: _milliseconds_from_now(verdict.after_seconds),
        ORIGIN: received.origin,
        REASON: verdict.reason[:LONGEST_REASON],
    }
    topic = retry_topic(subscription, verdict.after_seconds, received.attempt)
    # Without a key it gets any partition: see `retry_topic`.
    return Record("copy", topic, None, received.body, [*received.headers, *_encoded(own)])


def _dead_copy(received: ReceivedRecord, subscription: Subscription, verdict: Dead) -> Record:
    own = {
        ATTEMPT: str(received.attempt),
        ORIGIN: received.origin,
        REASON: verdict.reason[:LONGEST_REASON],
    }
    # The key is the dead letter's id: short enough to type, and the same for a message that is delivered twice, so that
    # it becomes one dead letter.
    id = blake2b(received.origin.encode(), digest_size=8).hexdigest()
    headers = [*_sent_headers(received.headers), *_encoded(own)]
    return Record("copy", dead_topic(subscription), id, received.body, headers, 0)


def _raw_headers(record: KafkaMessage) -> RawHeaders:
    try:
        headers = record.headers()
    except ValueError:  # a name is not valid UTF-8
        return []
    return headers or []  # type: ignore[return-value]


def _sent_headers(headers: RawHeaders) -> RawHeaders:
    return [header for header in headers if not header[0].startswith(PREFIX)]


def _own_headers(headers: RawHeaders) -> dict[str, str]:
    return {name: value for name, value in as_text(headers).items() if name.startswith(PREFIX)}


def _encoded(headers: dict[str, str]) -> RawHeaders:
    return [(name, value.encode(errors="replace")) for name, value in headers.items()]


def _origin(record: KafkaMessage) -> str:
    """The place of a record. Includes its time: offsets of a topic that was deleted and created again start at 0."""
    return f"{record.topic()} {record.partition()} {record.offset()} {record.timestamp()[1]}"


def _original(received: ReceivedRecord) -> str:
    """The place and size of the original record, for people."""
    record = received.record
    place = f"offset {record.offset()} of partition {record.partition()} of topic {record.topic()}"
    return f"{len(received.body)} bytes at {place}"


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 16 else default


def _milliseconds_from_now(seconds: float) -> str:
    return str(int((time.time() + seconds) * 1_000))
