"""Readiness check for events that are published late: no worker runs, or the broker accepts nothing."""

import asyncio
from collections.abc import Awaitable, Callable

from ...errors import Unavailable
from .metrics import OutboxAge
from .port import Outbox

Check = Callable[[], Awaitable[None]]
# Far below the time limit of a probe, so that a broker that does not answer takes nothing from this check.
BROKER_SECONDS = 0.5


def outbox_check(outbox: Outbox, late_seconds: float, age: OutboxAge, broker: Check) -> Check:
    """A check for readiness.

    Args:
        outbox: to check.
        late_seconds: how long an event may wait.
        age: records the age of the oldest event; without a worker nothing else would.
        broker: its check. While it fails, late events are a consequence and no sign of a missing worker.
    """

    async def check() -> None:
        backlog = await outbox.backlog(limit=1)
        age.set(backlog.oldest_seconds)
        if backlog.oldest_seconds > late_seconds:
            hint = ": does a worker run?" if await _passes(broker) else ""
            waiting = round(backlog.oldest_seconds)
            raise Unavailable("outbox", f"the oldest event has been waiting for {waiting} s{hint}")

    return check


async def _passes(check: Check) -> bool:
    try:
        async with asyncio.timeout(BROKER_SECONDS):
            await check()
    except (Unavailable, TimeoutError):
        return False
    return True
