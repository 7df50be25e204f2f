"""Requests that one process has taken on, and those it refuses; shared by its server and its application."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import NamedTuple, Self

# In the scope of a request: the address at the other end of its connection, which may be that of a proxy.
PEER = "chassis.peer"
# Beyond as many, the one that was added first is handled by the application again, which refuses it too.
MAX_LIMITED = 1_000


def _unnoticed(*_: str) -> None:
    """Nothing counts refused requests."""


class Sender(NamedTuple):
    """The caller of a request as far as it shows before the request is handled: the same sender is the same caller.

    Args:
        group: of routes that the request belongs to.
        address: at the other end of the connection.
        credentials: the Authorization header; empty if there is none.
    """

    group: str
    address: str
    credentials: bytes

    @classmethod
    def of(cls, group: str, address: str, headers: Iterable[tuple[bytes, bytes]]) -> Self:
        """The sender of a request.

        Args:
            group: of routes that the request belongs to.
            address: at the other end of the connection.
            headers: of the request, with names in lower case.
        """
        return cls(group, address, b"".join(value for name, value in headers if name == b"authorization"))


@dataclass(slots=True)
class LimitedSenders:
    """Senders above their quota, until they may send the next request.

    Args:
        refusals: the server's response to each group of routes.
        on_refused: called with the group and the method of each refused request.
    """

    refusals: Mapping[str, bytes] = field(default_factory=dict)
    on_refused: Callable[[str, str], None] = field(default=_unnoticed)
    _until: dict[Sender, float] = field(default_factory=dict)
    _refused: Counter[str] = field(default_factory=Counter)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._until)

    def add(self, sender: Sender, seconds: float) -> None:
        """Have the server refuse what comes from a sender.

        Args:
            sender: that has used up its quota.
            seconds: until the next request is within it.
        """
        if len(self._until) >= MAX_LIMITED:
            del self._until[next(iter(self._until))]
        self._until[sender] = monotonic() + seconds

    def refuse(self, sender: Sender, method: str) -> bytes:
        """Record a refusal; returns the response, or nothing if the sender may send."""
        until = self._until.get(sender)
        if until is None:
            return b""
        if until <= monotonic():
            del self._until[sender]
            return b""
        self._refused[sender.group] += 1
        self.on_refused(sender.group, method)
        return self.refusals[sender.group]

    def forget_expired(self) -> None:
        """Forget who may send again: while any sender is known, each request is compared with them."""
        now = monotonic()
        for sender in [sender for sender, until in self._until.items() if until <= now]:
            del self._until[sender]

    def take_refused(self) -> Mapping[str, int]:
        """How many of each group were refused since the last call."""
        refused, self._refused = self._refused, Counter()
        return refused


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
        limited: senders that are refused for another reason: they are above their quota.
    """

    arriving: int = 0
    handled: int = 0
    waiting: int = 0
    limit: float = inf
    refused: int = 0
    refusal: bytes = b""
    on_refused: Callable[[str], None] = field(default=_unnoticed)
    limited: LimitedSenders = field(default_factory=LimitedSenders)

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
