"""How a dead letter is written down: body and headers as they were, and why it was put aside in headers of its own."""

import base64
import re
from datetime import datetime
from urllib.parse import quote, unquote

from nats.js.api import RawStreamMsg

from ..identity import utc_now
from .port import DeadLetter, Delivery

REASON = "Dead-Letter-Reason"
ATTEMPTS = "Dead-Letter-Attempts"
FAILED_AT = "Dead-Letter-Failed-At"
REASON_LENGTH = 500
# A header is one line of ASCII. What is printable stays as it is, for whoever looks with other tools.
_PRINTABLE = " !#$&'()*+,/:;<=>?@[]^`{|}"
# What the library takes as the name of a header; a message of somebody else's may hold others.
_HEADER = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def headers_of(delivery: Delivery, reason: str, failed_at: datetime) -> dict[str, str]:
    """The headers of a message that is put aside."""
    headers = {name: value for name, value in delivery.headers.items() if _HEADER.fullmatch(name)}
    headers[REASON] = quote(reason[:REASON_LENGTH], safe=_PRINTABLE)
    headers[ATTEMPTS] = str(delivery.attempt)
    headers[FAILED_AT] = failed_at.isoformat()
    return headers


def read(stored: RawStreamMsg) -> DeadLetter:
    """What was put aside; also what somebody has put there by hand."""
    headers = _read_headers(stored)
    reason, attempts, failed_at = (headers.pop(name, "") for name in (REASON, ATTEMPTS, FAILED_AT))
    return DeadLetter(
        id=str(stored.seq),
        reason=unquote(reason),
        attempts=int(attempts) if attempts.isdecimal() else 0,
        failed_at=datetime.fromisoformat(failed_at) if failed_at else stored.time or utc_now(),
        headers={name: value for name, value in headers.items() if not name.startswith("Nats-")},
        body=stored.data or b"",
    )


def _read_headers(stored: RawStreamMsg) -> dict[str, str]:
    """The headers as they are; the library reads them as those of an e-mail, and spoils what is not ASCII."""
    lines = base64.b64decode(stored.hdrs or b"").decode(errors="replace").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:] if line)
    return {name.strip(): value.strip() for name, _, value in pairs}
