"""Looks for new messages: often where there was one a moment ago, less and less where there is none."""

import asyncio

SHORTEST_SECONDS = 0.005
LONGEST_SECONDS = 0.5
GROWTH = 2


class PollingArrivals:
    """The database does not tell; other parts of this process do."""

    def __init__(self, announced: asyncio.Event) -> None:
        """Poll.

        Args:
            announced: set by whoever puts messages into the outbox from within this process, before its commit.
        """
        self._announced = announced
        self._pause = SHORTEST_SECONDS

    async def wait(self) -> None:
        """Until something was announced, or the pause is over."""
        try:
            async with asyncio.timeout(self._pause):
                await self._announced.wait()
        except TimeoutError:
            self._pause = min(LONGEST_SECONDS, self._pause * GROWTH)
        else:
            self._announced.clear()
            self.busy()  # not committed yet, but soon

    def busy(self) -> None:
        """More is likely."""
        self._pause = SHORTEST_SECONDS
