"""Dead letters of subscriptions, and the number of their messages.

Two processes that read dead letters at the same time would each see a part, so each one first declares a queue that
only one connection can have; the second one waits.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import ChannelLockedResource

from ....errors import Unavailable
from ...port import DeadLetter, Depth
from .confirms import OutgoingMessage
from .connection import ReconnectingConnection
from .dead_letter_reader import ANSWER_SECONDS, DeadLetterReader
from .errors import unavailable_errors
from .headers import as_new
from .publisher import ConfirmingPublisher
from .topology import BrokerTopology, dead_queue

# Between two looks whether another process still reads.
PAUSE_SECONDS = 0.05


class DeadLetterQueues:
    """The dead-letter queues of every subscription."""

    def __init__(
        self, connection: ReconnectingConnection, publisher: ConfirmingPublisher, topology: BrokerTopology
    ) -> None:
        self._connection = connection
        self._publisher = publisher
        self._topology = topology
        self._reading = asyncio.Lock()

    async def depth(self, name: str) -> Depth:
        """The number of messages of a subscription, without those that handlers hold now."""
        with unavailable_errors():
            async with asyncio.timeout(ANSWER_SECONDS), _channel(await self._connection.connection()) as channel:
                return await self._topology.declare_queues(channel, name)

    async def unrouted(self) -> int:
        """The number of events without subscribers that the broker keeps."""
        with unavailable_errors():
            async with asyncio.timeout(ANSWER_SECONDS), _channel(await self._connection.connection()) as channel:
                return await self._topology.declare_exchange(channel)

    async def oldest(self, name: str, limit: int) -> list[DeadLetter]:
        """The oldest first."""
        async with self._read(name) as reader:
            return await reader.oldest(limit)

    async def find(self, name: str, id: str) -> DeadLetter:
        """The one with this id. Raises DeadLetterNotFound."""
        async with self._read(name) as reader:
            _, dead_letter = await reader.find(id, to_remove=False)
            return dead_letter

    async def replay(self, name: str, id: str) -> None:
        """Move one to its subscription's queue, and remove it once it has arrived there. Raises DeadLetterNotFound."""
        async with self._read(name) as reader:
            message, _ = await reader.find(id, to_remove=True)
            if not await self._publisher.publish([OutgoingMessage.to_queue(name, as_new(message))]):
                raise Unavailable("broker", "did not confirm the message")
            await reader.remove(message)

    async def discard(self, name: str, id: str) -> None:
        """Remove one. Raises DeadLetterNotFound."""
        async with self._read(name) as reader:
            message, _ = await reader.find(id, to_remove=True)
            await reader.remove(message)

    @asynccontextmanager
    async def _read(self, name: str) -> AsyncIterator[DeadLetterReader]:
        """A reader; inside the block the only one."""
        with unavailable_errors():
            async with self._reading:
                connection = await self._connection.connection()
                async with _exclusive(connection, f"{dead_queue(name)}.reading"), _channel(connection) as channel:
                    depth = await self._topology.declare_queues(channel, name)
                    queue = await channel.get_queue(dead_queue(name), ensure=False)
                    reader = DeadLetterReader(channel, queue, depth.dead)
                    try:
                        yield reader
                    finally:
                        await reader.give_back()


@asynccontextmanager
async def _channel(connection: AbstractConnection) -> AsyncIterator[AbstractChannel]:
    channel = connection.channel(publisher_confirms=False)
    async with asyncio.timeout(ANSWER_SECONDS):
        await channel.initialize()
    try:
        yield channel
    finally:
        if not channel.is_closed:
            async with asyncio.timeout(ANSWER_SECONDS):
                await channel.close()


@asynccontextmanager
async def _exclusive(connection: AbstractConnection, queue: str) -> AsyncIterator[None]:
    async with asyncio.timeout(ANSWER_SECONDS):
        while not await _has_declared(connection, queue):  # noqa: ASYNC110 - another process owns it
            await asyncio.sleep(PAUSE_SECONDS)
    try:
        yield
    finally:
        async with _channel(connection) as channel:
            await channel.queue_delete(queue, timeout=ANSWER_SECONDS)


async def _has_declared(connection: AbstractConnection, queue: str) -> bool:
    async with _channel(connection) as channel:
        with suppress(ChannelLockedResource):
            await channel.declare_queue(queue, exclusive=True, arguments={"x-queue-type": "classic"})
            return True
    return False
