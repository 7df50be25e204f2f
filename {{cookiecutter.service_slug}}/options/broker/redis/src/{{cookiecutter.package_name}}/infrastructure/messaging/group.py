"""A consumer group on its streams, seen by one of its consumers: each method is one step on the server."""

from collections.abc import Iterable, Iterator

from redis.asyncio import Redis
from redis.exceptions import ResponseError
from redis.typing import KeyT, StreamIdT

from . import scripts
from .connections import Connections
from .entries import StreamEntry, new_entries, taken_entries
from .port import Subscription
from .topology import WAITING, dead_stream_of, replay_stream_of, stream_of, streams_of

# A consumer without a message that was not heard of for so long is forgotten.
FORGET_AFTER_MS = 3_600_000
# More than one process ever holds.
ALL = 100_000
# A reason is for people; what is longer than this is not read by anybody.
REASON_LENGTH = 4_000


# As the client library wants it.
Streams = dict[KeyT, StreamIdT]


class ConsumerGroup:
    """Raises Unavailable."""

    def __init__(self, connections: Connections, subscription: Subscription, consumer: str) -> None:
        self._connections = connections
        self._consumer = consumer
        self._dead_stream = dead_stream_of(subscription)
        self.name = subscription.name
        self.channels = len(subscription.channels)
        self._streams = streams_of(subscription)
        self._new: Streams = {stream_of(channel): ">" for channel in subscription.channels}
        self._replayed: Streams = {replay_stream_of(subscription): ">"}

    async def declare(self) -> None:
        """Make what is missing.

        From the first entry on: whether a stream is new, or the group was lost, nothing is left out. What comes twice
        by this is recognised by the inbox.
        """
        for stream in self._streams:
            async with self._connections.answering() as redis:
                try:
                    await redis.xgroup_create(stream, self.name, id="0", mkstream=True)
                except ResponseError as error:
                    if not str(error).startswith("BUSYGROUP"):
                        raise

    async def read_new(self, redis: Redis, most: int, wait_ms: int) -> list[StreamEntry]:
        """New entries of each stream, as soon as there are any."""
        async with self._connections.answering(wait_ms / 1000):
            reply = await redis.xreadgroup(self.name, self._consumer, self._new, count=most, block=wait_ms)
        return list(new_entries(reply))

    async def read_replayed(self, most: int) -> list[StreamEntry]:
        """New entries of the stream for this subscription alone; does not wait."""
        async with self._connections.answering() as redis:
            reply = await redis.xreadgroup(self.name, self._consumer, self._replayed, count=most)
        return list(new_entries(reply))

    async def take_due(self, most: int) -> list[StreamEntry]:
        """Those whose time has come for another attempt."""
        return await self._take(WAITING, scripts.HORIZON_MS, most, 1)

    async def take_own(self) -> list[StreamEntry]:
        """Those that belong to this consumer, whether it knows of them or not."""
        return await self._take(self._consumer, 0, ALL, 0)

    async def take_over(self, idle_ms: int, most: int) -> list[StreamEntry]:
        """Those of consumers that give no sign of life."""
        taken: list[StreamEntry] = []
        for stream in self._streams:
            args = (self.name, self._consumer, WAITING, idle_ms, most - len(taken), FORGET_AFTER_MS)
            taken += taken_entries(stream, await self._connections.run(scripts.TAKE_OVER, [stream], *args))
        return taken

    async def keep(self, held: Iterable[tuple[str, bytes]]) -> None:
        """Give a sign of life for these."""
        for stream, ids in _by_stream(held):
            await self._connections.run(scripts.KEEP, [stream], self.name, self._consumer, *ids)

    async def done(self, entries: Iterable[StreamEntry]) -> None:
        """These do not come again."""
        for stream, ids in _by_stream((entry.stream, entry.id) for entry in entries):
            async with self._connections.answering() as redis:
                await redis.xack(stream, self.name, *ids)

    async def put_back(self, entry: StreamEntry, attempts: int, after_seconds: float) -> None:
        """Anybody may take it after a time."""
        idle = max(0, scripts.HORIZON_MS - round(max(0.0, after_seconds) * 1000))
        args = (self.name, self._consumer, WAITING, entry.id, idle, attempts)
        await self._connections.run(scripts.PUT_BACK, [entry.stream], *args)

    async def bury(self, entry: StreamEntry, reason: str) -> None:
        """Put it aside."""
        args = (self.name, entry.id, reason[:REASON_LENGTH].encode(errors="replace"), entry.attempt)
        await self._connections.run(scripts.BURY, [entry.stream, self._dead_stream], *args)

    async def leave(self) -> None:
        """Leave whatever this consumer still has to the others, and be forgotten."""
        for stream in self._streams:
            args = (self.name, self._consumer, WAITING, scripts.HORIZON_MS)
            await self._connections.run(scripts.LEAVE, [stream], *args)

    async def trim(self) -> None:
        """Drop what every group has settled."""
        for stream in self._streams:
            while await self._connections.run(scripts.TRIM, [stream]):
                """The server drops a limited number at once, so that nobody has to wait for it."""

    async def _take(self, whose: str, idle_ms: int, most: int, more: int) -> list[StreamEntry]:
        taken: list[StreamEntry] = []
        for stream in self._streams:
            if left := most - len(taken):
                args = (self.name, whose, self._consumer, idle_ms, left, more)
                taken += taken_entries(stream, await self._connections.run(scripts.TAKE, [stream], *args))
        return taken


def _by_stream(held: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, list[bytes]]]:
    ids: dict[str, list[bytes]] = {}
    for stream, id in held:
        ids.setdefault(stream, []).append(id)
    yield from ids.items()
