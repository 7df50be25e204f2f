"""A consumer group on its streams, as one of its consumers uses it: each method is one step on the server."""

from collections.abc import Iterable, Iterator

from redis.asyncio import Redis
from redis.exceptions import ResponseError
from redis.typing import KeyT, StreamIdT

from ...port import Subscription
from . import scripts
from .connections import Connections
from .entries import StreamEntry, claimed_entries, new_entries
from .topology import WAITING, dead_stream_of, replay_stream_of, stream_of, streams_of

# A consumer that owns no entry is deleted after being idle for this time.
EXPIRE_AFTER_MS = 3_600_000
# More than one process ever holds.
ALL = 100_000
# Longer reasons are truncated.
REASON_LENGTH = 4_000


# The client library's type.
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
        """Create the group where it is missing.

        It starts at the first entry, so that nothing is skipped, whether a stream is new or the group was lost. The
        inbox recognizes messages that are delivered twice because of this.
        """
        for stream in self._streams:
            async with self._connections.shared() as redis:
                try:
                    await redis.xgroup_create(stream, self.name, id="0", mkstream=True)
                except ResponseError as error:
                    if not str(error).startswith("BUSYGROUP"):
                        raise

    async def read_new(self, redis: Redis, most: int, wait_ms: int) -> list[StreamEntry]:
        """New entries of each channel, as soon as there are any."""
        async with self._connections.shared(wait_ms / 1000):
            reply = await redis.xreadgroup(self.name, self._consumer, self._new, count=most, block=wait_ms)
        return list(new_entries(reply))

    async def read_replayed(self, most: int) -> list[StreamEntry]:
        """New entries of the replay stream; does not wait."""
        async with self._connections.shared() as redis:
            reply = await redis.xreadgroup(self.name, self._consumer, self._replayed, count=most)
        return list(new_entries(reply))

    async def claim_due(self, most: int) -> list[StreamEntry]:
        """Claim entries that are due for another attempt."""
        return await self._claim(WAITING, scripts.HORIZON_MS, most, 1)

    async def claim_own(self) -> list[StreamEntry]:
        """Entries that belong to this consumer, including those whose delivery was lost."""
        return await self._claim(self._consumer, 0, ALL, 0)

    async def claim_abandoned(self, idle_ms: int, most: int) -> list[StreamEntry]:
        """Claim entries of consumers that no longer renew them."""
        claimed: list[StreamEntry] = []
        for stream in self._streams:
            args = (self.name, self._consumer, WAITING, idle_ms, most - len(claimed), EXPIRE_AFTER_MS)
            claimed += claimed_entries(stream, await self._connections.run(scripts.CLAIM_ABANDONED, [stream], *args))
        return claimed

    async def renew(self, held: Iterable[tuple[str, bytes]]) -> None:
        """Keep others from claiming these entries."""
        for stream, ids in _by_stream(held):
            await self._connections.run(scripts.RENEW, [stream], self.name, self._consumer, *ids)

    async def acknowledge(self, entries: Iterable[StreamEntry]) -> None:
        """Settle entries: they are not delivered again."""
        for stream, ids in _by_stream((entry.stream, entry.id) for entry in entries):
            async with self._connections.shared() as redis:
                await redis.xack(stream, self.name, *ids)

    async def return_entry(self, entry: StreamEntry, attempts: int, after_seconds: float) -> None:
        """Return an entry: any consumer may claim it after a delay."""
        idle = max(0, scripts.HORIZON_MS - round(max(0.0, after_seconds) * 1000))
        args = (self.name, self._consumer, WAITING, entry.id, idle, attempts)
        await self._connections.run(scripts.RETURN, [entry.stream], *args)

    async def dead_letter(self, entry: StreamEntry, reason: str) -> None:
        """Move an entry to the dead letters."""
        args = (self.name, entry.id, reason[:REASON_LENGTH].encode(errors="replace"), entry.attempt)
        await self._connections.run(scripts.DEAD_LETTER, [entry.stream, self._dead_stream], *args)

    async def leave(self) -> None:
        """Return this consumer's entries and delete it."""
        for stream in self._streams:
            args = (self.name, self._consumer, WAITING, scripts.HORIZON_MS)
            await self._connections.run(scripts.LEAVE, [stream], *args)

    async def trim(self) -> None:
        """Drop entries that every group has settled."""
        for stream in self._streams:
            while await self._connections.run(scripts.TRIM, [stream]):
                """The server drops a limited number at once, so that other clients do not wait for it."""

    async def _claim(self, owner: str, idle_ms: int, most: int, more_attempts: int) -> list[StreamEntry]:
        claimed: list[StreamEntry] = []
        for stream in self._streams:
            if left := most - len(claimed):
                args = (self.name, owner, self._consumer, idle_ms, left, more_attempts)
                claimed += claimed_entries(stream, await self._connections.run(scripts.CLAIM, [stream], *args))
        return claimed


def _by_stream(held: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, list[bytes]]]:
    ids: dict[str, list[bytes]] = {}
    for stream, id in held:
        ids.setdefault(stream, []).append(id)
    yield from ids.items()
