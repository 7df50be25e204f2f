"""Work that comes round by the clock: nothing the service stores may grow for ever."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import structlog

from ..domain.errors import Unavailable
from ..domain.ports import Clock

PERIOD_SECONDS = 600
_log = structlog.stdlib.get_logger("housekeeping")


@asynccontextmanager
async def forgetting_answers(
    forget: Callable[[datetime], Awaitable[int]],
    retention: timedelta,
    now: Clock,
    period_seconds: float = PERIOD_SECONDS,
) -> AsyncIterator[None]:
    """Delete answers of idempotency keys that are older than the retention, as long as the block lasts.

    Args:
        forget: deletes what was kept before a time, safe to call from several replicas at once.
        retention: how long an answer is kept.
        now: the clock.
        period_seconds: pause between two rounds.
    """

    async def rounds() -> None:
        while True:
            try:
                if count := await forget(now() - retention):
                    _log.info("forgot old answers", count=count)
            except Unavailable as error:
                _log.warning("could not forget old answers", reason=error.reason)
            await asyncio.sleep(period_seconds)

    task = asyncio.create_task(rounds())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
