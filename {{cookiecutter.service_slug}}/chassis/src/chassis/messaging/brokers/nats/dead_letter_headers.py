"""The form of a dead letter: body and headers as they were sent, and headers of its own with reason and attempts."""

import base64
import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote, unquote

from nats.js.api import RawStreamMsg

from ....identity import utc_now
from ...port import DeadLetter, Delivery
from .originals import Original

REASON = "Dead-Letter-Reason"
ATTEMPTS = "Dead-Letter-Attempts"
FAILED_AT = "Dead-Letter-Failed-At"
LEFT_OUT = "Dead-Letter-Left-Out"
ORIGINAL = "Dead-Letter-Original"
# Of a message that was returned untried: the attempts before.
RETURNED_ATTEMPTS = "Returned-Attempts"
OURS = frozenset({REASON, ATTEMPTS, FAILED_AT, LEFT_OUT, ORIGINAL, RETURNED_ATTEMPTS})
HEADERS = "headers"
HEADERS_AND_BODY = "headers and body"
REASON_LENGTH = 500
# A header is one line of ASCII. Printable characters stay as they are, for people who read it with other tools.
_PRINTABLE = " !#$&'()*+,/:;<=>?@[]^`{|}"
# Header names that the library accepts; a message of another client may hold others.
_HEADER = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def encoded(
    delivery: Delivery,
    original: Original,
    reason: str,
    failed_at: datetime,
) -> Iterator[tuple[dict[str, str], bytes]]:
    """Headers and body of a dead letter: first with the whole message, then with less and less of it.

    A dead letter is larger than its message, and may be larger than the server accepts.
    """
    theirs = _sendable(delivery)
    ours = {
        REASON: quote(reason[:REASON_LENGTH], safe=_PRINTABLE),
        ATTEMPTS: str(delivery.attempt),
        FAILED_AT: failed_at.isoformat(),
    }
    yield theirs | ours, delivery.body
    ours[ORIGINAL] = str(original)
    yield ours | {LEFT_OUT: HEADERS}, delivery.body
    yield ours | {LEFT_OUT: HEADERS_AND_BODY}, b""


def returned(delivery: Delivery, original: Original | None) -> tuple[dict[str, str], bytes]:
    """Headers and body of the copy of a message that was not tried; without a body if it stands for an original."""
    headers = _sendable(delivery) | {RETURNED_ATTEMPTS: str(delivery.attempt - 1)}
    return (headers, delivery.body) if original is None else (headers | {ORIGINAL: str(original)}, b"")


def decode(stored: RawStreamMsg) -> DeadLetter:
    """A dead letter from the stream; also one that a person has put there by hand."""
    headers = _read_headers(stored)
    reason, attempts, failed_at = (headers.get(name, "") for name in (REASON, ATTEMPTS, FAILED_AT))
    return DeadLetter(
        id=str(stored.seq),
        reason=unquote(reason),
        attempts=int(attempts) if attempts.isdecimal() else 0,
        failed_at=datetime.fromisoformat(failed_at) if failed_at else stored.time or utc_now(),
        headers=_theirs(headers),
        body=stored.data or b"",
        left_out=_left_out(headers),
    )


def original_of(stored: RawStreamMsg) -> Original | None:
    """Where the body is stored that a dead letter does not hold; None if it holds it."""
    headers = _read_headers(stored)
    return Original.parse(headers.get(ORIGINAL, "")) if headers.get(LEFT_OUT) == HEADERS_AND_BODY else None


def sent_headers(stored: RawStreamMsg) -> dict[str, str]:
    """The sender's headers."""
    return _theirs(_read_headers(stored))


def _sendable(delivery: Delivery) -> dict[str, str]:
    return {name: value for name, value in delivery.headers.items() if _HEADER.fullmatch(name) and name not in OURS}


def _theirs(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in OURS and not name.startswith("Nats-")}


def _left_out(headers: dict[str, str]) -> str:
    original = Original.parse(headers.get(ORIGINAL, ""))
    if original is None:
        return ""
    return f"{headers.get(LEFT_OUT)}; the original, {original.size} bytes, is {original.place}"


def _read_headers(stored: RawStreamMsg) -> dict[str, str]:
    """The headers as they are; the library parses them as those of an e-mail, and breaks what is not ASCII."""
    lines = base64.b64decode(stored.hdrs or b"").decode(errors="replace").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:] if line)
    return {name.strip(): value.strip() for name, _, value in pairs}
