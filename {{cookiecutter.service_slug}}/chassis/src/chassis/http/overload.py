"""Requests that one process has taken on; shared by its server and its application."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf


def _unnoticed(method: str) -> None:
    """Nothing counts refused requests."""


@dataclass(slots=True)
class RequestLoad:
    """Requests in the process.

    Args:
        arriving: have been read, and their tasks have not begun.
        handled: have a place.
        waiting: wait for one.
        limit: how many there may be, of all three together; without end if the application has no limits.
        refused: by the server, since that was last logged.
        refusal: the server's response to a request that exceeds the limit.
        on_refused: called with the method of each.
    """

    arriving: int = 0
    handled: int = 0
    waiting: int = 0
    limit: float = inf
    refused: int = 0
    refusal: bytes = b""
    on_refused: Callable[[str], None] = field(default=_unnoticed)

    def is_full(self) -> bool:
        """Whether a further request would find no place in time."""
        return self.arriving + self.handled + self.waiting >= self.limit

    def refuse(self, method: str) -> bytes:
        """Record a refusal; returns the response."""
        self.refused += 1
        self.on_refused(method)
        return self.refusal

    def take_refused(self) -> int:
        """How many were refused since the last call."""
        refused, self.refused = self.refused, 0
        return refused
