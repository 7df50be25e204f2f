"""Ends clients in bounded time: librdkafka waits for servers that are away, and Python for threads of its pools."""

import asyncio
import atexit
from collections.abc import Callable
from threading import Thread

import structlog

CLOSE_SECONDS = 5
# A thread that comes back from the library while Python is taken down aborts the process, whatever its exit code was.
LAST_SECONDS = 2

_log = structlog.stdlib.get_logger("broker")


async def closed_in_time(close: Callable[[], object], what: str) -> None:
    """Close a client in a thread that nobody has to wait for.

    Args:
        close: does it, and blocks.
        what: is closed, for the log.
    """
    loop = asyncio.get_running_loop()
    closed = asyncio.Event()

    def run() -> None:
        try:
            close()
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(closed.set)

    closing = Thread(target=run, daemon=True, name=f"close-{what}")
    closing.start()
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await closed.wait()
    except TimeoutError:
        atexit.register(closing.join, LAST_SECONDS)
        _log.warning("left a client behind that waits for servers which are away", client=what)
