"""What a record of Kafka means to us, and the copies in which it waits, or is put aside.

A copy holds the body, the key and the headers as they were sent, and a few headers of our own. These count only in
topics that nobody but us writes to: in a channel they are a stranger's.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from confluent_kafka import Message as KafkaMessage

from ..identity import new_id
from .port import CONTENT_TYPE, Dead, DeadLetter, Delivery, Message, Retry, Subscription, channel_of
from .producer import RawHeaders, Record
from .topology import dead_topic, retry_topic

OWN = "x-delivery-"
ATTEMPT, DUE, ORIGIN, REASON = f"{OWN}attempt", f"{OWN}due", f"{OWN}origin", f"{OWN}reason"
LEFT_OUT, ORIGINAL = f"{OWN}left-out", f"{OWN}original"
HEADERS, HEADERS_AND_BODY = "headers", "headers and body"
LONGEST_REASON = 2_000
_SENT: RawHeaders = [("content-type", CONTENT_TYPE.encode())]


class Arrival(NamedTuple):
    """A record that came in, and what its headers say.

    Args:
        due: not before this time, in seconds since 1970.
        origin: where it first lay, which names it through all its attempts.
        size: of its body, in bytes.
    """

    record: KafkaMessage
    headers: RawHeaders
    attempt: int
    due: float
    origin: str
    size: int

    @property
    def body(self) -> bytes:
        """As it was sent; a record without one has an empty one."""
        return self.record.value() or b""

    def delivery(self) -> Delivery:
        """What the handler gets."""
        return Delivery(self.body, as_text(self.headers), self.attempt)


def outgoing(message: Message) -> Record:
    """An event on its way out."""
    return Record(message.id, channel_of(message.type), message.key, message.body, _SENT)


def arrival(record: KafkaMessage, is_copy: bool) -> Arrival:
    """Read a record that came in.

    Args:
        record: as it came.
        is_copy: whether it comes from a topic that only we write to.
    """
    raw = _raw_headers(record)
    own = _own(raw) if is_copy else {}
    return Arrival(
        record=record,
        headers=_theirs(raw) if own else raw,
        attempt=_number(own.get(ATTEMPT), 1),
        due=_number(own.get(DUE), 0) / 1_000,
        origin=own.get(ORIGIN) or _place(record),
        size=len(record),
    )


def copies(arrival: Arrival, subscription: Subscription, verdict: Retry | Dead) -> Iterator[Record]:
    """In what a message is kept; each one holds less than the one before it, for which it stands if that is too large.

    What came in can be larger than any copy: limits are for what is sent at once, and its sender may compress that.
    """
    if isinstance(verdict, Retry):
        yield to_retry(arrival, subscription, verdict)
        verdict = Dead(f"too large to wait for another attempt: {verdict.reason}")
    whole = to_dead(arrival, subscription, verdict)
    yield whole
    own = [header for header in whole.headers if header[0].startswith(OWN)]
    for left_out, body in ((HEADERS, whole.value), (HEADERS_AND_BODY, b"")):
        noted = _as_raw({LEFT_OUT: left_out, ORIGINAL: _found_at(arrival)})
        yield whole._replace(value=body, headers=[*own, *noted])


def to_retry(arrival: Arrival, subscription: Subscription, verdict: Retry) -> Record:
    """The copy that waits for the next attempt."""
    own = {
        ATTEMPT: str(arrival.attempt + 1),
        DUE: _milliseconds_from_now(verdict.after_seconds),
        ORIGIN: arrival.origin,
        REASON: verdict.reason[:LONGEST_REASON],
    }
    topic = retry_topic(subscription, verdict.after_seconds)
    return Record("copy", topic, arrival.record.key(), arrival.body, [*arrival.headers, *_as_raw(own)])


def to_dead(arrival: Arrival, subscription: Subscription, verdict: Dead) -> Record:
    """The dead letter. Its key is its id: the same for a message that comes twice, so that it is one letter."""
    own = {
        ATTEMPT: str(arrival.attempt),
        ORIGIN: arrival.origin,
        REASON: verdict.reason[:LONGEST_REASON],
    }
    letter = letter_id(arrival.origin)
    headers = [*_theirs(arrival.headers), *_as_raw(own)]
    return Record("copy", dead_topic(subscription), letter, arrival.body, headers, 0)


def to_replay(letter: KafkaMessage, subscription: Subscription) -> Record:
    """The copy that comes as if for the first time.

    It gets an origin of its own: should it die as well, and be written before the mark that its predecessor is gone,
    that mark must not hit it.
    """
    headers = _theirs(_raw_headers(letter))
    own = {ATTEMPT: "1", DUE: _milliseconds_from_now(0), ORIGIN: f"replay {new_id()}"}
    return Record("copy", retry_topic(subscription, 0), None, letter.value() or b"", [*headers, *_as_raw(own)])


def to_forget(id: str, subscription: Subscription) -> Record:
    """Marks a dead letter as gone."""
    return Record("mark", dead_topic(subscription), id, None, [], 0)


def letter(id: str, record: KafkaMessage) -> DeadLetter:
    """Read a dead letter."""
    raw = _raw_headers(record)
    own = _own(raw)
    return DeadLetter(
        id=id,
        reason=own.get(REASON, ""),
        attempts=_number(own.get(ATTEMPT), 1),
        failed_at=datetime.fromtimestamp(record.timestamp()[1] / 1_000, UTC),
        headers=as_text(_theirs(raw)),
        body=record.value() or b"",
        left_out=f"{own[LEFT_OUT]}; the original: {own.get(ORIGINAL)}" if LEFT_OUT in own else "",
    )


def is_replayable(letter: KafkaMessage) -> bool:
    """Whether it holds the body of its message."""
    return _own(_raw_headers(letter)).get(LEFT_OUT) != HEADERS_AND_BODY


def letter_id(origin: str) -> str:
    """Short enough to type, and the same for the same message."""
    return blake2b(origin.encode(), digest_size=8).hexdigest()


def as_text(headers: RawHeaders) -> dict[str, str]:
    """Headers as the port wants them; of several with one name the last counts, as in Kafka's own clients."""
    return {name: (value or b"").decode(errors="replace") for name, value in headers}


def _raw_headers(record: KafkaMessage) -> RawHeaders:
    try:
        headers = record.headers()
    except ValueError:  # a name that is no text
        return []
    return headers or []  # type: ignore[return-value]


def _theirs(headers: RawHeaders) -> RawHeaders:
    return [header for header in headers if not header[0].startswith(OWN)]


def _own(headers: RawHeaders) -> dict[str, str]:
    return {name: value for name, value in as_text(headers).items() if name.startswith(OWN)}


def _as_raw(headers: dict[str, str]) -> RawHeaders:
    return [(name, value.encode(errors="replace")) for name, value in headers.items()]


def _place(record: KafkaMessage) -> str:
    """Where it lies. With its time: a topic that was deleted and made again counts from the beginning."""
    return f"{record.topic()} {record.partition()} {record.offset()} {record.timestamp()[1]}"


def _found_at(arrival: Arrival) -> str:
    """Where what came lies, for people."""
    record = arrival.record
    place = f"offset {record.offset()} of partition {record.partition()} of topic {record.topic()}"
    return f"{len(arrival.body)} bytes at {place}"


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 16 else default


def _milliseconds_from_now(seconds: float) -> str:
    return str(int((time.time() + seconds) * 1_000))
