"""Loops that run until they are stopped, whatever happens to the broker meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from ....background import Backoff
from ....errors import Unavailable

BACKOFF = Backoff(first=0.1, longest=5)
_log = structlog.stdlib.get_logger("broker")


async def repeat(
    step: Callable[[], Awaitable[None]],
    stopping: asyncio.Event,
    *,
    name: str,
    repair: Callable[[], Awaitable[None]],
) -> None:
    """Repeat a step, with growing pauses while it fails.

    Args:
        step: waits on its own when it has nothing to do.
        stopping: ends the loop.
        name: of the loop, for the log.
        repair: declares the group again, in case the server has lost it.
    """
    failures = 0
    while not stopping.is_set():
        try:
            if failures:
                await repair()
            await step()
        except Unavailable as error:
            failures += 1
            # Once per outage, so that the log stays readable.
            if failures == 1:
                _log.warning("broker unavailable; retrying", loop=name, reason=error.reason)
        except Exception:
            failures += 1
            _log.exception("broker loop failed; retrying", loop=name)
        else:
            if failures:
                _log.info("broker available again", loop=name, failures=failures)
            failures = 0
            continue
        await pause(stopping, BACKOFF.after(failures))


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait for a time, or until the event is set."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
