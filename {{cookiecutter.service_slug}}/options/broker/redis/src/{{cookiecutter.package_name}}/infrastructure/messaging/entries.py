"""Entries of streams, as the server tells them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .port import Delivery
from .topology import BODY


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One that was delivered to this process.

    Args:
        fields: names and values by turns, as they were sent.
    """

    stream: str
    id: bytes
    attempt: int
    fields: Sequence[bytes]

    def delivery(self) -> Delivery:
        """What the handler gets."""
        body, headers = body_and_headers(self.fields)
        return Delivery(body, headers, self.attempt)


def body_and_headers(fields: Iterable[bytes]) -> tuple[bytes, dict[str, str]]:
    """What an entry says. Anybody may have sent it: what is no text is made one."""
    body = b""
    headers: dict[str, str] = {}
    turns = iter(fields)
    for name, value in zip(turns, turns, strict=True):
        if name == BODY:
            body = value
        else:
            headers[name.decode(errors="replace")] = value.decode(errors="replace")
    return body, headers


def new_entries(reply: Any) -> Iterator[StreamEntry]:
    """From what XREADGROUP answers: nothing, or streams with their entries."""
    for stream, entries in reply or ():
        for id, fields in entries:
            yield StreamEntry(stream.decode(), id, 1, fields)


def taken_entries(stream: str, reply: Any) -> Iterator[StreamEntry]:
    """From what the scripts answer that take entries over."""
    for id, attempt, fields in reply:
        yield StreamEntry(stream, id, attempt, fields)
