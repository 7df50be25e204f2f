"""The state of one assigned partition: messages in progress and the offset to commit."""

import asyncio
from collections import deque

from .records import ReceivedRecord

# So many settled messages may lie behind one in progress; a process that dies repeats them.
LONGEST_SPAN = 10_000
# Limits for reading ahead in a retry topic, so that a short delay need not queue behind a longer one.
DELAYED_COUNT = 1_000
DELAYED_BYTES = 2 * 1_024 * 1_024


class Partition:
    """Messages may be settled in any order; only the offset below which all are settled is committed.

    Args:
        topic: of the partition.
        number: within the topic.
    """

    __slots__ = (
        "_delayed",
        "_delayed_bytes",
        "_next",
        "_order",
        "_settled",
        "_stored",
        "is_paused",
        "is_revoked",
        "number",
        "tasks",
        "topic",
    )

    def __init__(self, topic: str, number: int) -> None:
        self.topic = topic
        self.number = number
        self.tasks: set[asyncio.Task[None]] = set()
        self.is_paused = False
        self.is_revoked = False
        self._order: deque[int] = deque()
        self._settled: set[int] = set()
        self._next: int | None = None
        self._stored: int | None = None
        self._delayed = 0
        self._delayed_bytes = 0

    def add(self, received: ReceivedRecord) -> None:
        """A message has been received and is not settled yet."""
        offset = received.record.offset() or 0
        self._order.append(offset)
        self._next = offset + 1

    def delay(self, size: int) -> None:
        """A message of this size waits until it is due."""
        self._delayed += 1
        self._delayed_bytes += size

    def end_delay(self, size: int) -> None:
        """A delayed message is due."""
        self._delayed -= 1
        self._delayed_bytes -= size

    def settle(self, received: ReceivedRecord) -> None:
        """A message must not be delivered again."""
        self._settled.add(received.record.offset() or 0)
        while self._order and self._order[0] in self._settled:
            self._settled.remove(self._order.popleft())

    def offset_to_store(self) -> int | None:
        """The offset to continue from after a restart; None if it has not changed since the last call."""
        offset = self._order[0] if self._order else self._next
        if offset is None or offset == self._stored:
            return None
        self._stored = offset
        return offset

    @property
    def is_full(self) -> bool:
        """Whether to pause: too many messages are delayed, or one message holds up the commit of many."""
        return self._exceeds(1)

    @property
    def has_room(self) -> bool:
        """Whether to resume: well below the limits, because a pause discards what was fetched."""
        return not self._exceeds(2)

    def _exceeds(self, divisor: int) -> bool:
        return (
            self._delayed >= DELAYED_COUNT // divisor
            or self._delayed_bytes >= DELAYED_BYTES // divisor
            or len(self._order) >= LONGEST_SPAN // divisor
        )
