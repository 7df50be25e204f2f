"""One process in a consumer group, and the loops that it runs as a member."""

import asyncio
import platform
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import structlog

from ....errors import Unavailable
from ...port import Handler, Subscription
from .connections import Connections
from .dispatcher import Dispatcher
from .group import ConsumerGroup
from .loops import Problems, pause, repeat
from .reading import GroupClaimer, GroupReader

# Settled entries stay this long, so that streams stay short.
TRIM_SECONDS = 2.0
# At the end: how long verdicts may take to reach the server. Messages whose verdict did not are redelivered.
SETTLE_SECONDS = 3.0
LEAVE_SECONDS = 1.0
_log = structlog.stdlib.get_logger("broker")


class GroupMember:
    """Consumes for a subscription, under a name that no other process has."""

    def __init__(
        self, connections: Connections, subscription: Subscription, takeover_seconds: float, problems: Problems
    ) -> None:
        consumer = f"{platform.node()}-{uuid4().hex[:12]}"
        self._group = ConsumerGroup(connections, subscription, consumer)
        self._takeover_seconds = takeover_seconds
        self._problems = problems
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self._reader = GroupReader(connections, self._group, self._stopping, lambda: problems.pop("read", None))
        self._claimer = GroupClaimer(self._group, takeover_seconds, self._stopping)

    @asynccontextmanager
    async def consuming(
        self, handle: Handler, concurrency: int, on_stopping: Callable[[], None]
    ) -> AsyncIterator[None]:
        """Deliver inside the block; entries still held when it is canceled go to other consumers."""
        try:
            await self._group.declare()
        except Unavailable as error:
            _log.warning("not subscribed yet; retrying", reason=error.reason)
        try:
            async with asyncio.TaskGroup() as tasks:
                dispatcher = Dispatcher(self._group, handle, concurrency, tasks, self._claimer.wake_after)
                reading, claiming = self._start(tasks, dispatcher)
                yield
                self._stopping.set()
                dispatcher.stop_starting()
                self._claimer.stop()
                await self._reader.end(reading)
                await asyncio.wait({claiming})
                on_stopping()
                with suppress(TimeoutError):
                    await dispatcher.stop(SETTLE_SECONDS)
                self._stopped.set()
                dispatcher.wake()
        finally:
            with suppress(Unavailable, TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._group.leave()

    def _start(self, tasks: asyncio.TaskGroup, dispatcher: Dispatcher) -> tuple[asyncio.Task[None], asyncio.Task[None]]:
        repair = self._group.declare

        async def read() -> None:
            await self._reader.read(dispatcher)

        async def claim() -> None:
            await self._claimer.claim(dispatcher)

        async def renew() -> None:
            await self._group.renew(dispatcher.held)
            await pause(self._stopped, self._takeover_seconds / 3)

        async def trim() -> None:
            await self._group.trim()
            await pause(self._stopped, TRIM_SECONDS)

        def repeated(name: str, step: Callable[[], Awaitable[None]], stop: asyncio.Event) -> asyncio.Task[None]:
            loop = repeat(step, stop, name=name, repair=repair, problems=self._problems)
            return tasks.create_task(loop)

        for name, step in {"settle": dispatcher.settle, "renew": renew, "trim": trim}.items():
            repeated(name, step, self._stopped)
        return repeated("read", read, self._stopping), repeated("claim", claim, self._stopping)
