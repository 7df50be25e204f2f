"""Closes clients in bounded time.

librdkafka waits for servers that are away, and Python waits for the threads of its pools.
"""

import asyncio
import atexit
from collections.abc import Callable
from threading import Thread

import structlog

CLOSE_SECONDS = 5
# A thread that returns from the library while the interpreter shuts down aborts the process and its exit code is lost.
EXIT_SECONDS = 2

_log = structlog.stdlib.get_logger("broker")


async def close_in_time(close: Callable[[], object], name: str) -> None:
    """Close a client in a daemon thread, waiting for it a limited time.

    Args:
        close: closes the client; blocks.
        name: of the client, for the log.
    """
    loop = asyncio.get_running_loop()
    closed = asyncio.Event()

    def run() -> None:
        try:
            close()
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(closed.set)

    closing = Thread(target=run, daemon=True, name=f"close-{name}")
    closing.start()
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await closed.wait()
    except TimeoutError:
        atexit.register(closing.join, EXIT_SECONDS)
        _log.warning("client not closed in time: servers do not answer", client=name)
