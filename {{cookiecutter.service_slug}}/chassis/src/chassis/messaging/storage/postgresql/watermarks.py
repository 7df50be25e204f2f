"""Low watermarks of the lanes: claims begin there, and not at rows that were deleted long ago.

PostgreSQL keeps deleted rows while any transaction may see them, such as a dump that runs for an hour. A claim would
read all of them, each time, to find the first message that waits.

A watermark must never pass a row that is still to come. Positions are handed out before their transactions commit, so a
row may appear below others that are published already. But a transaction that inserts holds a lock on the table from
before it is given a position until after its rows are visible. So the relay takes the position of a message that it
removes, and then observes the transactions with that lock. Once all of these have ended, no row can appear at or below
that position.

The watermark is stored in the lane that the relay has locked, by the transaction that deletes the rows: both survive a
crash or a failover together, and any relay goes on from there.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from ....database.postgresql.connection import Connection
from . import statements

# Deleted rows of a lane that claims may have to pass. Each new watermark leaves a dead row in its own table as well.
ROWS = 200
# To advance them takes about a hundredth of a relay's time at most, also on a server that is slow to answer.
PAUSE_SECONDS = (0.25, 1.0)  # the shortest, the longest
PAUSE_FACTOR = 100
# An older observation is worth less than a new one: much was published since.
STALE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Observation:
    """A position that was handed out, and what may still add rows below it.

    Args:
        position: of a message that was removed.
        writers: virtual ids of transactions that may have been given one before it.
        pid: of the server process that observed. While it lives, the server has not crashed and is still the primary.
        started: when that process did.
        at: time on the monotonic clock, in seconds.
    """

    position: int
    writers: frozenset[str]
    pid: int
    started: datetime
    at: float


class LowWatermarks:
    """Advances the watermarks of lanes while a relay removes messages from them."""

    def __init__(self) -> None:
        self._removed: Counter[int] = Counter()  # from each lane, since its watermark was advanced
        self._observed: Observation | None = None
        self._next = 0.0

    async def removed(self, connection: Connection, lanes: Iterable[int], last: int, locked: Collection[int]) -> None:
        """Take note of removed messages, and advance watermarks that have fallen behind.

        Args:
            connection: whose transaction has read and removed them.
            lanes: of each message.
            last: the highest of their positions.
            locked: lanes that the transaction has locked.
        """
        self._removed.update(lanes)
        behind = [lane for lane in locked if self._removed[lane] >= ROWS]
        if behind and monotonic() >= self._next:
            begun = monotonic()
            await self._advance(connection, last, behind)
            now = monotonic()
            shortest, longest = PAUSE_SECONDS
            self._next = now + min(max(shortest, PAUSE_FACTOR * (now - begun)), longest)

    async def _advance(self, connection: Connection, position: int, lanes: Sequence[int]) -> None:
        before = self._observed
        known = (before.pid, before.started) if before else (None, None)
        # After the position is known: each transaction that was given one before it is among these, or has ended.
        [(writers, is_prepared, is_same_server, pid, started)] = await connection.fetch(statements.WRITERS, *known)
        now = Observation(position, frozenset(writers), pid, started, monotonic())
        if before is None or not is_same_server or now.at - before.at > STALE_SECONDS:
            self._observed = now
        # Before 13.5 and 14.1, a transaction that is prepared for a commit in two phases has no virtual id any more.
        elif not is_prepared and before.writers.isdisjoint(now.writers):
            self._observed = now
            # A statement that begins now sees every row at or below the position.
            await connection.execute(statements.ADVANCE, lanes, before.position)
            for lane in lanes:
                del self._removed[lane]
