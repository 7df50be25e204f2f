"""What is under way of one partition, and up to where everything is settled."""

import asyncio
from collections import deque

from .records import Arrival

# So many settled messages may lie above one that is still at work; a process that dies repeats them.
LONGEST_SPAN = 10_000
# Of a partition with retries: read so far ahead, a shorter wait need not stand behind a longer one.
WAITING_COUNT = 1_000
WAITING_BYTES = 2 * 1_024 * 1_024


class Partition:
    """Messages may be settled in any order; committed is only that below which no other one is left.

    Args:
        topic: it belongs to.
        number: within the topic.
    """

    __slots__ = (
        "_done",
        "_next",
        "_order",
        "_told",
        "_waiting",
        "_waiting_bytes",
        "is_gone",
        "is_paused",
        "number",
        "tasks",
        "topic",
    )

    def __init__(self, topic: str, number: int) -> None:
        self.topic = topic
        self.number = number
        self.tasks: set[asyncio.Task[None]] = set()
        self.is_paused = False
        self.is_gone = False
        self._order: deque[int] = deque()
        self._done: set[int] = set()
        self._next: int | None = None
        self._told: int | None = None
        self._waiting = 0
        self._waiting_bytes = 0

    def arrived(self, arrival: Arrival) -> None:
        """It is not settled yet."""
        offset = arrival.record.offset() or 0
        self._order.append(offset)
        self._next = offset + 1

    def wait(self, size: int) -> None:
        """One more, of so many bytes, waits for its time."""
        self._waiting += 1
        self._waiting_bytes += size

    def wait_no_more(self, size: int) -> None:
        """The time of one has come."""
        self._waiting -= 1
        self._waiting_bytes -= size

    def settled(self, arrival: Arrival) -> None:
        """It must not come again."""
        self._done.add(arrival.record.offset() or 0)
        while self._order and self._order[0] in self._done:
            self._done.remove(self._order.popleft())

    def news(self) -> int | None:
        """The offset to go on from after a restart; None if it is the same as when last asked."""
        offset = self._order[0] if self._order else self._next
        if offset is None or offset == self._told:
            return None
        self._told = offset
        return offset

    @property
    def is_full(self) -> bool:
        """Whether it has to pause: too much waits for its time, or one message holds up the commit of many."""
        return self._exceeds(1)

    @property
    def has_room(self) -> bool:
        """Whether it may go on: well below the limits, as a pause throws away what was fetched."""
        return not self._exceeds(2)

    def _exceeds(self, part: int) -> bool:
        return (
            self._waiting >= WAITING_COUNT // part
            or self._waiting_bytes >= WAITING_BYTES // part
            or len(self._order) >= LONGEST_SPAN // part
        )
