"""Work that goes on until it is told to end, whatever happens to the broker meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from ...domain.errors import Unavailable
from .backoff import Backoff

BACKOFF = Backoff(first=0.1, longest=5)
_log = structlog.stdlib.get_logger("broker")


async def keep_doing(
    step: Callable[[], Awaitable[None]],
    stopping: asyncio.Event,
    *,
    work: str,
    mend: Callable[[], Awaitable[None]],
) -> None:
    """Take step after step, with pauses that grow while they fail.

    Args:
        step: one step; it waits by itself where there is nothing to do.
        stopping: ends it.
        work: what it is, for the log.
        mend: declares the group again, when the server does not know it.
    """
    failures = 0
    while not stopping.is_set():
        try:
            if failures:
                await mend()
            await step()
        except Unavailable as error:
            failures += 1
            # Once for each outage: an impatient log would bury what else happens in it.
            if failures == 1:
                _log.warning("broker fails", work=work, reason=error.reason)
        except Exception:
            failures += 1
            _log.exception("broker work failed", work=work)
        else:
            if failures:
                _log.info("broker works again", work=work, failures=failures)
            failures = 0
            continue
        await pause(stopping, BACKOFF.after(failures))


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait for a time, or until the end."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
