"""Polls an outbox whose database sends no notifications: often while there are messages, less and less without."""

import asyncio

SHORTEST_SECONDS = 0.005
LONGEST_SECONDS = 0.5
GROWTH = 2


class PollingListener:
    """Wakes early when this process itself enqueues something."""

    def __init__(self, enqueued: asyncio.Event) -> None:
        """Poll.

        Args:
            enqueued: set for each message enqueued by this process, before its commit.
        """
        self._enqueued = enqueued
        self._pause = SHORTEST_SECONDS

    async def wait(self) -> None:
        """Return when a message was enqueued, or after the poll interval."""
        try:
            async with asyncio.timeout(self._pause):
                await self._enqueued.wait()
        except TimeoutError:
            self._pause = min(LONGEST_SECONDS, self._pause * GROWTH)
        else:
            self._enqueued.clear()
            self.busy()  # not committed yet, but soon

    def busy(self) -> None:
        """Return to the shortest poll interval."""
        self._pause = SHORTEST_SECONDS
