"""Readiness check for events that are published late: no worker runs, or the broker accepts nothing."""

from collections.abc import Awaitable, Callable

from ...errors import Unavailable
from .metrics import OutboxMetrics
from .port import Outbox


def outbox_check(outbox: Outbox, late_seconds: float, metrics: OutboxMetrics) -> Callable[[], Awaitable[None]]:
    """A check for readiness.

    Args:
        outbox: to check.
        late_seconds: how long an event may wait.
        metrics: record the age of the oldest event; without a worker nothing else would.
    """

    async def check() -> None:
        backlog = await outbox.backlog(limit=1)
        metrics.oldest.set(backlog.oldest_seconds)
        if backlog.oldest_seconds > late_seconds:
            waiting = round(backlog.oldest_seconds)
            raise Unavailable("outbox", f"the oldest event has been waiting for {waiting} s: does a worker run?")

    return check
