"""Where entries come from: new ones as they are published, others when their time has come."""

import asyncio
from contextlib import suppress

from ...domain.errors import Unavailable
from .connections import Connections
from .entries import StreamEntry
from .group import ConsumerGroup
from .handling import Handling
from .loops import pause

# How long the server holds a request for new entries. A connection that broke silently shows by no answer to it.
BLOCK_MS = 2_000
# How soon a process looks after what others have put back, or what was replayed.
LOOK_SECONDS = 1.0
# Between the attempts to end a request that the server holds.
NUDGE_SECONDS = 0.05


class GroupReader:
    """Waits for new entries on a connection of its own."""

    def __init__(self, connections: Connections, group: ConsumerGroup, stopping: asyncio.Event) -> None:
        self._connections = connections
        self._group = group
        self._stopping = stopping
        self._blocked: int | None = None
        self._lost_connection = False

    async def read(self, handling: Handling) -> None:
        """As long as a connection lasts: a step for `keep_doing`."""
        async with self._connections.alone() as redis:
            async with self._connections.answering():
                connection = await redis.client_id()
            if self._lost_connection:
                # The server may have handed over what never came.
                await handling.start(await self._group.take_own())
            self._lost_connection = True
            while not self._stopping.is_set():
                most = max(1, await handling.room() // self._group.channels)
                if self._stopping.is_set():
                    break
                self._blocked = connection
                try:
                    entries = await self._group.read_new(redis, most, BLOCK_MS)
                finally:
                    self._blocked = None
                await handling.start(entries)

    async def end(self, reading: asyncio.Task[None]) -> None:
        """Wait for the end of the request at hand; broken off, it could swallow what it is about to answer."""
        while not reading.done():
            if self._blocked is not None:
                with suppress(Unavailable):
                    async with self._connections.answering() as redis:
                        await redis.client_unblock(self._blocked)
            await asyncio.wait({reading}, timeout=NUDGE_SECONDS)


class GroupTaker:
    """Takes entries that were delivered before: put back, replayed, or left by processes that are gone."""

    def __init__(self, group: ConsumerGroup, takeover_seconds: float, stopping: asyncio.Event) -> None:
        self._group = group
        self._takeover_seconds = takeover_seconds
        self._stopping = stopping
        self._look = asyncio.Event()
        self._lost_answer = False
        self._wait_before_sweep()

    def look_in(self, seconds: float) -> None:
        """Something of ours will be due by then."""
        if seconds < LOOK_SECONDS:
            asyncio.get_running_loop().call_later(seconds + 0.002, self._look.set)

    async def take(self, handling: Handling) -> None:
        """One look: a step for `keep_doing`."""
        try:
            room = await handling.room()
            if self._stopping.is_set():
                return
            entries = await self._entries(room)
        except Unavailable:
            self._lost_answer = True
            self._wait_before_sweep()
            raise
        await handling.start(entries)
        if len(entries) < room:
            await self._pause()

    def stop(self) -> None:
        """Do not wait any longer."""
        self._look.set()

    async def _entries(self, most: int) -> list[StreamEntry]:
        if self._lost_answer:
            # What it should have told belongs to this consumer already.
            entries = await self._group.take_own()
            self._lost_answer = False
            return entries
        entries = await self._group.take_due(most)
        if len(entries) < most:
            entries += await self._group.read_replayed(most - len(entries))
        if len(entries) < most and asyncio.get_running_loop().time() >= self._next_sweep:
            self._wait_before_sweep()
            entries += await self._group.take_over(round(self._takeover_seconds * 1000), most - len(entries))
        return entries

    async def _pause(self) -> None:
        await pause(self._look, LOOK_SECONDS)
        self._look.clear()

    def _wait_before_sweep(self) -> None:
        """After an outage every entry looks abandoned: those who hold them get the time to say that they are there."""
        self._next_sweep = asyncio.get_running_loop().time() + self._takeover_seconds / 3
