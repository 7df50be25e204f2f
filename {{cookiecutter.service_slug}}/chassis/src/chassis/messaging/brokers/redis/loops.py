"""Loops that run until they are stopped, whatever happens to the broker meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping

import structlog

from ....background import Backoff
from ....errors import Unavailable

BACKOFF = Backoff(first=0.1, longest=5)
# So many consecutive failures are a problem that readiness reports.
LASTING = 3
# Names what fails now, and why.
Problems = MutableMapping[str, str]
Step = Callable[[], Awaitable[None]]
_log = structlog.stdlib.get_logger("broker")


async def repeat(
    step: Step,
    stopping: asyncio.Event,
    *,
    name: str,
    repair: Step,
    problems: Problems,
) -> None:
    """Repeat a step, with growing pauses while it fails.

    Args:
        step: waits on its own when it has nothing to do.
        stopping: ends the loop.
        name: of the loop, for the log.
        repair: declares the group again, in case the server has lost it.
        problems: an account may lose one permission only, so each loop reports why it fails.
    """
    failures = 0
    while not stopping.is_set():
        reason = await _failure(step, repair if failures else None, name, first=not failures)
        if reason is None:
            if failures:
                _log.info("broker available again", loop=name, failures=failures)
                problems.pop(name, None)
            failures = 0
            continue
        failures += 1
        if failures >= LASTING:
            problems[name] = reason
        await pause(stopping, BACKOFF.after(failures))
    problems.pop(name, None)


async def _failure(step: Step, repair: Step | None, name: str, *, first: bool) -> str | None:
    """Run a step; returns why it failed, if it did."""
    try:
        if repair is not None:
            await repair()
        await step()
    except Unavailable as error:
        if first:  # once per outage, so that the log stays readable
            _log.warning("broker unavailable; retrying", loop=name, reason=error.reason)
        return error.reason
    except Exception:
        _log.exception("broker loop failed; retrying", loop=name)
        return "a task of the consumer fails: the error is in the log"
    return None


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait for a time, or until the event is set."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
