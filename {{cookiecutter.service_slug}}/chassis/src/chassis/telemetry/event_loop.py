"""How late the event loop runs: the time every request waits before anything is done for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, Histogram

from ..background import in_background

PERIOD_SECONDS = 0.25
_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


@asynccontextmanager
async def measuring_lag(registry: CollectorRegistry) -> AsyncIterator[None]:
    """Wake up at fixed times inside the block and observe how late each wake-up is.

    After the loop was blocked for long, every missed time is observed, so that the histogram shows shares of time.
    """
    lag = Histogram(
        "event_loop_lag_seconds",
        "How late the event loop ran what was due",
        buckets=_BUCKETS_SECONDS,
        registry=registry,
    )

    async def observe() -> None:
        now = asyncio.get_running_loop().time
        due = now()
        while True:
            due += PERIOD_SECONDS
            await asyncio.sleep(max(0.0, due - now()))
            lag.observe(max(0.0, now() - due))

    try:
        async with in_background(observe()):
            yield
    finally:
        registry.unregister(lag)
