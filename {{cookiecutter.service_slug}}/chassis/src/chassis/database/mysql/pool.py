"""Keeps connections for reuse. Requests for one are served in their order, each within a time limit."""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from ..port import PoolUsage
from .connection import Connection


class Pool:
    """Opens a connection when all others are in use; closes one that was idle for long or cannot be used again.

    When the server has ended one connection, those that were idle then have probably ended too: they are closed, so
    that the next attempt opens a new one instead of finding out about each.

    asyncmy's own pool makes all callers wait while one connection is being opened, and has no time limit for waiting.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        size: int,
        wait_seconds: float,
        recycle_seconds: float,
        max_age: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """Make an empty pool, on a running event loop.

        Args:
            connect: opens a connection.
            size: how many there may be at once.
            wait_seconds: limit for getting one, idle or new.
            recycle_seconds: an idle connection is closed after this time.
            max_age: asked for each new connection, which is closed after that many seconds.
        """
        self._connect = connect
        self._size = size
        self._wait_seconds = wait_seconds
        self._recycle_seconds = recycle_seconds
        self._max_age = max_age
        self._in_use = 0
        self._turns = asyncio.Semaphore(size)  # first come, first served
        self._idle: deque[tuple[float, Connection]] = deque()  # since when; the longest idle comes first
        self._now = asyncio.get_running_loop().time
        self._sweeper = asyncio.create_task(self._close_old_ones())

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for this block alone. Raises TimeoutError, or the error of opening one."""
        connection = await self._take()
        try:
            yield connection
        finally:
            self._give_back(connection)

    async def close(self) -> None:
        """Wait for connections in use, then close all; none is handed out any more."""
        for _ in range(self._size):
            await self._turns.acquire()
        self._sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await self._sweeper
        while self._idle:
            await self._idle.pop()[1].leave()

    def usage(self) -> PoolUsage:
        """Connections at this moment."""
        return PoolUsage(in_use=self._in_use, idle=len(self._idle), limit=self._size)

    async def _take(self) -> Connection:
        if self._idle and not self._turns.locked():
            await self._turns.acquire()  # does not wait
            connection = self._reuse()
        else:
            async with asyncio.timeout(self._wait_seconds):
                connection = await self._wait_for_one()
        self._in_use += 1
        return connection

    async def _wait_for_one(self) -> Connection:
        await self._turns.acquire()
        try:
            return self._reuse() if self._idle else await self._open()
        except BaseException:
            self._turns.release()
            raise

    async def _open(self) -> Connection:
        connection = await self._connect()
        connection.expires_at = self._now() + self._max_age()
        return connection

    def _reuse(self) -> Connection:
        """The one used last, so that those that are not needed grow old and are closed."""
        return self._idle.pop()[1]

    def _give_back(self, connection: Connection) -> None:
        if connection.lost:
            while self._idle:
                self._idle.pop()[1].close()
        if connection.is_reusable() and self._now() < connection.expires_at:
            self._idle.append((self._now(), connection))
        else:
            connection.close()
        self._in_use -= 1
        self._turns.release()

    async def _close_old_ones(self) -> None:
        while True:
            oldest = self._idle[0][0] if self._idle else self._now()
            rest = oldest + self._recycle_seconds - self._now()
            if rest > 0:
                await asyncio.sleep(rest)
            else:
                await self._idle.popleft()[1].leave()
