"""The sources of entries: new ones as they are published, and older ones that are due or abandoned."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from ....errors import Unavailable
from .connections import Connections
from .dispatcher import Dispatcher
from .entries import StreamEntry
from .group import ConsumerGroup
from .loops import pause

# How long the server holds a request for new entries. A silently broken connection shows by a missing answer to it.
BLOCK_MS = 2_000
# How often to look for entries that others have returned, or that were replayed.
POLL_SECONDS = 1.0
# Between attempts to end a request that the server holds.
UNBLOCK_SECONDS = 0.05


class GroupReader:
    """Reads new entries on a dedicated connection."""

    def __init__(
        self,
        connections: Connections,
        group: ConsumerGroup,
        stopping: asyncio.Event,
        on_answer: Callable[[], object],
    ) -> None:
        self._connections = connections
        self._group = group
        self._stopping = stopping
        self._on_answer = on_answer
        self._blocked: int | None = None
        self._lost_connection = False

    async def read(self, dispatcher: Dispatcher) -> None:
        """Read while the connection lasts: a step for `repeat`."""
        async with self._connections.dedicated() as redis:
            async with self._connections.shared():
                connection = await redis.client_id()
            if self._lost_connection:
                # The server may have delivered entries that never arrived.
                await dispatcher.start(await self._group.claim_own())
            self._lost_connection = True
            while not self._stopping.is_set():
                most = max(1, await dispatcher.room() // self._group.channels)
                if self._stopping.is_set():
                    break
                self._blocked = connection
                try:
                    entries = await self._group.read_new(redis, most, BLOCK_MS)
                finally:
                    self._blocked = None
                self._on_answer()
                await dispatcher.start(entries)

    async def end(self, reading: asyncio.Task[None]) -> None:
        """Wait for the end of the current request; a canceled one could lose the entries of its reply."""
        while not reading.done():
            if self._blocked is not None:
                with suppress(Unavailable):
                    async with self._connections.shared() as redis:
                        await redis.client_unblock(self._blocked)
            await asyncio.wait({reading}, timeout=UNBLOCK_SECONDS)


class GroupClaimer:
    """Claims entries that were delivered before, and reads replayed ones."""

    def __init__(self, group: ConsumerGroup, takeover_seconds: float, stopping: asyncio.Event) -> None:
        self._group = group
        self._takeover_seconds = takeover_seconds
        self._stopping = stopping
        self._wakeup = asyncio.Event()
        self._lost_reply = False
        self._postpone_takeover()

    def wake_after(self, seconds: float) -> None:
        """Look again after this delay: an entry that this process returned is then due."""
        if seconds < POLL_SECONDS:
            asyncio.get_running_loop().call_later(seconds + 0.002, self._wakeup.set)

    async def claim(self, dispatcher: Dispatcher) -> None:
        """Look once: a step for `repeat`."""
        try:
            room = await dispatcher.room()
            if self._stopping.is_set():
                return
            entries = await self._entries(room)
        except Unavailable:
            self._lost_reply = True
            self._postpone_takeover()
            raise
        await dispatcher.start(entries)
        if len(entries) < room:
            await self._pause()

    def stop(self) -> None:
        """End the current pause."""
        self._wakeup.set()

    async def _entries(self, most: int) -> list[StreamEntry]:
        if self._lost_reply:
            # Entries of the lost reply belong to this consumer already.
            entries = await self._group.claim_own()
            self._lost_reply = False
            return entries
        entries = await self._group.claim_due(most)
        if len(entries) < most:
            entries += await self._group.read_replayed(most - len(entries))
        if len(entries) < most and asyncio.get_running_loop().time() >= self._next_takeover:
            self._postpone_takeover()
            entries += await self._group.claim_abandoned(round(self._takeover_seconds * 1000), most - len(entries))
        return entries

    async def _pause(self) -> None:
        await pause(self._wakeup, POLL_SECONDS)
        self._wakeup.clear()

    def _postpone_takeover(self) -> None:
        """After an outage every entry looks abandoned: give their owners time to renew them."""
        self._next_takeover = asyncio.get_running_loop().time() + self._takeover_seconds / 3
