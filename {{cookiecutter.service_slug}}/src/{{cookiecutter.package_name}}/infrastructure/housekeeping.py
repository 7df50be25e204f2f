"""Work that comes round by the clock: nothing the service stores may grow for ever."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from ..domain.errors import Unavailable
from ..domain.ports import Clock
from .background import in_background

PERIOD_SECONDS = 600
_log = structlog.stdlib.get_logger("housekeeping")


@asynccontextmanager
async def forgetting(
    what: str,
    forget: Callable[[datetime], Awaitable[int]],
    retention: timedelta,
    now: Clock,
    period_seconds: float = PERIOD_SECONDS,
) -> AsyncIterator[None]:
    """Delete what is older than its retention, as long as the block lasts.

    Args:
        what: is deleted, for the log.
        forget: deletes what was kept before a time, safe to call from several replicas at once.
        retention: how long it is kept.
        now: the clock.
        period_seconds: pause between two rounds.
    """

    async def rounds() -> None:
        while True:
            try:
                if count := await forget(now() - retention):
                    _log.info("forgot what was old", what=what, count=count)
            except Unavailable as error:
                _log.warning("could not forget what is old", what=what, reason=error.reason)
            except Exception:  # such as a right that is missing: the next round may find it granted
                _log.exception("could not forget what is old", what=what)
            await asyncio.sleep(period_seconds)

    async with in_background(rounds()):
        yield
