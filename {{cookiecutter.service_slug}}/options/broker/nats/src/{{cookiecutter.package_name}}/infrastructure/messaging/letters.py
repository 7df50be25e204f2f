"""How a dead letter is written down: body and headers as they were, and why it was put aside in headers of its own."""

import base64
import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote, unquote

from nats.js.api import RawStreamMsg

from ..identity import utc_now
from .originals import Original
from .port import DeadLetter, Delivery

REASON = "Dead-Letter-Reason"
ATTEMPTS = "Dead-Letter-Attempts"
FAILED_AT = "Dead-Letter-Failed-At"
LEFT_OUT = "Dead-Letter-Left-Out"
ORIGINAL = "Dead-Letter-Original"
OWN = frozenset({REASON, ATTEMPTS, FAILED_AT, LEFT_OUT, ORIGINAL})
HEADERS = "headers"
HEADERS_AND_BODY = "headers and body"
REASON_LENGTH = 500
# A header is one line of ASCII. What is printable stays as it is, for whoever looks with other tools.
_PRINTABLE = " !#$&'()*+,/:;<=>?@[]^`{|}"
# What the library takes as the name of a header; a message of somebody else's may hold others.
_HEADER = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def written(
    delivery: Delivery,
    original: Original,
    reason: str,
    failed_at: datetime,
) -> Iterator[tuple[dict[str, str], bytes]]:
    """Headers and body of a letter: first with all of the message, then with less and less of it.

    A letter is larger than its message, and may be larger than a server takes.
    """
    theirs = {name: value for name, value in delivery.headers.items() if _HEADER.fullmatch(name) and name not in OWN}
    own = {
        REASON: quote(reason[:REASON_LENGTH], safe=_PRINTABLE),
        ATTEMPTS: str(delivery.attempt),
        FAILED_AT: failed_at.isoformat(),
    }
    yield theirs | own, delivery.body
    own[ORIGINAL] = str(original)
    yield own | {LEFT_OUT: HEADERS}, delivery.body
    yield own | {LEFT_OUT: HEADERS_AND_BODY}, b""


def read(stored: RawStreamMsg) -> DeadLetter:
    """What was put aside; also what somebody has put there by hand."""
    headers = _read_headers(stored)
    reason, attempts, failed_at = (headers.get(name, "") for name in (REASON, ATTEMPTS, FAILED_AT))
    return DeadLetter(
        id=str(stored.seq),
        reason=unquote(reason),
        attempts=int(attempts) if attempts.isdecimal() else 0,
        failed_at=datetime.fromisoformat(failed_at) if failed_at else stored.time or utc_now(),
        headers=_sent(headers),
        body=stored.data or b"",
        left_out=_left_out(headers),
    )


def original_of(stored: RawStreamMsg) -> Original | None:
    """Where the body is that a letter does not hold; None if it holds it."""
    headers = _read_headers(stored)
    return Original.parse(headers.get(ORIGINAL, "")) if headers.get(LEFT_OUT) == HEADERS_AND_BODY else None


def sent_headers(stored: RawStreamMsg) -> dict[str, str]:
    """The headers of whoever sent it."""
    return _sent(_read_headers(stored))


def _sent(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in OWN and not name.startswith("Nats-")}


def _left_out(headers: dict[str, str]) -> str:
    original = Original.parse(headers.get(ORIGINAL, ""))
    if original is None:
        return ""
    return f"{headers.get(LEFT_OUT)}; the original, {original.size} bytes, is {original.place}"


def _read_headers(stored: RawStreamMsg) -> dict[str, str]:
    """The headers as they are; the library reads them as those of an e-mail, and spoils what is not ASCII."""
    lines = base64.b64decode(stored.hdrs or b"").decode(errors="replace").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:] if line)
    return {name.strip(): value.strip() for name, _, value in pairs}
