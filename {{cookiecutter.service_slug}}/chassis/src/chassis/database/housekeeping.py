"""Periodic deletion of expired rows: nothing that the service stores may grow forever."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from ..background import in_background
from ..domain import Clock
from ..errors import Unavailable

PERIOD_SECONDS = 600
_log = structlog.stdlib.get_logger("housekeeping")


@asynccontextmanager
async def purging(
    what: str,
    purge: Callable[[datetime], Awaitable[int]],
    retention: timedelta,
    now: Clock,
    period_seconds: float = PERIOD_SECONDS,
) -> AsyncIterator[None]:
    """Delete what is older than its retention, inside the block.

    Args:
        what: is deleted, for the log.
        purge: deletes what was stored before a time, safe to call from several replicas at once.
        retention: how long it is kept.
        now: the clock.
        period_seconds: pause between two rounds.
    """

    async def rounds() -> None:
        while True:
            try:
                if count := await purge(now() - retention):
                    _log.info("purged expired rows", what=what, count=count)
            except Unavailable as error:
                _log.warning("purge failed", what=what, reason=error.reason)
            except Exception:  # such as a missing right: it may be granted before the next round
                _log.exception("purge failed", what=what)
            await asyncio.sleep(period_seconds)

    async with in_background(rounds()):
        yield
