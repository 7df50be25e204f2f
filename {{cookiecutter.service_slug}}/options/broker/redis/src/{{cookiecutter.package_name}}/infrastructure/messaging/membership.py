"""One process in a consumer group, with everything it does as long as it is in there."""

import asyncio
import platform
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import structlog

from ...domain.errors import Unavailable
from .connections import Connections
from .group import ConsumerGroup
from .handling import Handling
from .loops import keep_doing, pause
from .port import Handler, Subscription
from .reading import GroupReader, GroupTaker

# What was settled stays this long, so that streams stay short.
TRIM_SECONDS = 2.0
# At the end: how long verdicts may take to reach the server. Messages whose verdict did not come again.
SETTLE_SECONDS = 3.0
LEAVE_SECONDS = 1.0
_log = structlog.stdlib.get_logger("broker")


class Membership:
    """Consumes for a subscription, under a name that no other process has."""

    def __init__(self, connections: Connections, subscription: Subscription, takeover_seconds: float) -> None:
        consumer = f"{platform.node()}-{uuid4().hex[:12]}"
        self._group = ConsumerGroup(connections, subscription, consumer)
        self._takeover_seconds = takeover_seconds
        self._stopping = asyncio.Event()
        self._over = asyncio.Event()
        self._reader = GroupReader(connections, self._group, self._stopping)
        self._taker = GroupTaker(self._group, takeover_seconds, self._stopping)

    @asynccontextmanager
    async def lasting(self, handle: Handler, concurrency: int, let_go: Callable[[], None]) -> AsyncIterator[None]:
        """Deliver as long as the block lasts; what is still held when it is broken off goes to others."""
        try:
            await self._group.declare()
        except Unavailable as error:
            _log.warning("consumes as soon as the broker is there", reason=error.reason)
        try:
            async with asyncio.TaskGroup() as tasks:
                handling = Handling(self._group, handle, concurrency, tasks, self._taker.look_in)
                reading, taking = self._begin(tasks, handling)
                yield
                self._stopping.set()
                handling.stop_starting()
                self._taker.stop()
                await self._reader.end(reading)
                await asyncio.wait({taking})
                let_go()
                with suppress(TimeoutError):
                    await handling.end(SETTLE_SECONDS)
                self._over.set()
                handling.wake()
        finally:
            with suppress(Unavailable, TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._group.leave()

    def _begin(self, tasks: asyncio.TaskGroup, handling: Handling) -> tuple[asyncio.Task[None], asyncio.Task[None]]:
        mend = self._group.declare

        async def keep() -> None:
            await self._group.keep(handling.held)
            await pause(self._over, self._takeover_seconds / 3)

        async def trim() -> None:
            await self._group.trim()
            await pause(self._over, TRIM_SECONDS)

        tasks.create_task(keep_doing(handling.settle, self._over, work="settling", mend=mend))
        tasks.create_task(keep_doing(keep, self._over, work="keeping", mend=mend))
        tasks.create_task(keep_doing(trim, self._over, work="trimming", mend=mend))
        return (
            tasks.create_task(
                keep_doing(lambda: self._reader.read(handling), self._stopping, work="reading", mend=mend)
            ),
            tasks.create_task(keep_doing(lambda: self._taker.take(handling), self._stopping, work="taking", mend=mend)),
        )
