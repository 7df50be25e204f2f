"""Stream entries, as the server returns them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...port import Delivery
from .topology import BODY


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """An entry that was delivered to this process.

    Args:
        fields: alternating names and values, as they were sent.
    """

    stream: str
    id: bytes
    attempt: int
    fields: Sequence[bytes]

    def delivery(self) -> Delivery:
        """The handler's argument."""
        body, headers = body_and_headers(self.fields)
        return Delivery(body, headers, self.attempt)


def body_and_headers(fields: Iterable[bytes]) -> tuple[bytes, dict[str, str]]:
    """The parts of a message. Any client may have sent it: bytes that are not valid UTF-8 are replaced."""
    body = b""
    headers: dict[str, str] = {}
    alternating = iter(fields)
    for name, value in zip(alternating, alternating, strict=True):
        if name == BODY:
            body = value
        else:
            headers[name.decode(errors="replace")] = value.decode(errors="replace")
    return body, headers


def new_entries(reply: Any) -> Iterator[StreamEntry]:
    """Entries from a reply to XREADGROUP: nothing, or streams with their entries."""
    for stream, entries in reply or ():
        for id, fields in entries:
            yield StreamEntry(stream.decode(), id, 1, fields)


def claimed_entries(stream: str, reply: Any) -> Iterator[StreamEntry]:
    """Entries from a reply of the scripts that claim entries."""
    for id, attempt, fields in reply:
        yield StreamEntry(stream, id, attempt, fields)
