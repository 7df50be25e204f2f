"""Tasks that run beside requests, how long they wait after failures, and how often they may do something."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a task inside the block and cancel it at the end.

    Args:
        work: handles its own errors. One that it raises is raised at the end of the block.
    """
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, for a limited time; whether it is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with jitter: half of each pause is random.

    Args:
        first: pause after the first failure, in seconds; it doubles with each further one.
        longest: the longest pause, in seconds.
    """

    first: float
    longest: float

    def after(self, failures: int) -> float:
        """The pause in seconds after this many consecutive failures, at least one."""
        full = min(self.longest, self.first * 2.0 ** min(failures - 1, 32))
        return full * random.uniform(0.5, 1)  # noqa: S311 - no secret


class TokenBucket:
    """Bounds how often something is done within a process: so often at once, and at a rate after that."""

    def __init__(self, at_once: int, per_second: float, now: Callable[[], float] = monotonic) -> None:
        """Begin with a full bucket.

        Args:
            at_once: after a pause.
            per_second: for as long as it likes.
            now: a clock in seconds that only goes forward.
        """
        self._at_once = at_once
        self._per_second = per_second
        self._now = now
        self._tokens = float(at_once)
        self._counted_at = now()

    def take(self) -> bool:
        """Whether it may be done now; if so, that counts."""
        now = self._now()
        self._tokens = min(self._at_once, self._tokens + (now - self._counted_at) * self._per_second)
        self._counted_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
