"""Whether a database has to be asked how it is, or has just shown it."""

import math
from dataclasses import dataclass
from time import monotonic

from .port import PoolUsage

# An answer as recent as this shows that the database is there.
ANSWER_SECONDS = 1
# What a statement does not show, such as the schema's revision, is asked for again after this time at the latest.
CHECK_SECONDS = 30


@dataclass(slots=True)
class RecentAnswers:
    """The last answers on the connections of a pool.

    With no connection free, a check would wait behind requests: under overload it would say how long the queue is, and
    each replica would be taken out of service, one after the other.
    """

    _answered: float = -math.inf
    _passed: float = -math.inf

    def answered(self) -> None:
        """Record that statements on a connection have succeeded."""
        self._answered = monotonic()

    def passed(self) -> None:
        """Record that a check has passed."""
        self._passed = monotonic()

    def replace_a_check(self, usage: PoolUsage) -> bool:
        """Whether no connection is free, and those in use have shown enough.

        Args:
            usage: of the pool, now.
        """
        now = monotonic()
        return (
            usage.in_use >= usage.limit and now - self._answered < ANSWER_SECONDS and now - self._passed < CHECK_SECONDS
        )
