"""Dead letters, and how much lies with a subscription.

Two who read dead letters at the same time would each see a part, so each one first declares a queue that only one
connection can have: whoever comes second waits.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiormq.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import ChannelLockedResource

from ...domain.errors import Unavailable
from .confirms import ConfirmingPublisher, OutgoingMessage
from .connections import LastingConnection
from .errors import unavailable_errors
from .headers import as_new
from .letters import ANSWER_SECONDS, DeadLetterReader
from .port import DeadLetter, Depth
from .topology import BrokerTopology, dead_queue

# Until nobody else reads.
PAUSE_SECONDS = 0.05


class DeadLetterQueues:
    """Those of every subscription."""

    def __init__(self, connection: LastingConnection, publisher: ConfirmingPublisher, topology: BrokerTopology) -> None:
        self._connection = connection
        self._publisher = publisher
        self._topology = topology
        self._reading = asyncio.Lock()

    async def depth(self, name: str) -> Depth:
        """How much lies with a subscription, without what handlers hold at this moment."""
        with unavailable_errors():
            async with asyncio.timeout(ANSWER_SECONDS), _channel(await self._connection.connection()) as channel:
                return await self._topology.declare_queues(channel, name)

    async def first(self, name: str, limit: int) -> list[DeadLetter]:
        """The oldest ones."""
        async with self._read(name) as letters:
            return await letters.first(limit)

    async def one(self, name: str, id: str) -> DeadLetter:
        """The one with this id. Raises DeadLetterNotFound."""
        async with self._read(name) as letters:
            _, letter = await letters.find(id, to_remove=False)
            return letter

    async def replay(self, name: str, id: str) -> None:
        """Hand one to its subscription, and take it away once it has arrived there. Raises DeadLetterNotFound."""
        async with self._read(name) as letters:
            message, _ = await letters.find(id, to_remove=True)
            if not await self._publisher.publish([OutgoingMessage("", name, as_new(message), message.body)]):
                raise Unavailable("broker", "did not confirm the message")
            await letters.remove(message)

    @asynccontextmanager
    async def _read(self, name: str) -> AsyncIterator[DeadLetterReader]:
        """The letters, for nobody else as long as the block lasts."""
        with unavailable_errors():
            async with self._reading:
                connection = await self._connection.connection()
                async with _alone(connection, f"{dead_queue(name)}.reading"), _channel(connection) as channel:
                    depth = await self._topology.declare_queues(channel, name)
                    letters = DeadLetterReader(channel, dead_queue(name), depth.dead)
                    try:
                        yield letters
                    finally:
                        await letters.give_back()


@asynccontextmanager
async def _channel(connection: AbstractConnection) -> AsyncIterator[AbstractChannel]:
    channel = await connection.channel(publisher_confirms=False, timeout=ANSWER_SECONDS)
    try:
        yield channel
    finally:
        if not channel.is_closed:
            async with asyncio.timeout(ANSWER_SECONDS):
                await channel.close()


@asynccontextmanager
async def _alone(connection: AbstractConnection, queue: str) -> AsyncIterator[None]:
    async with asyncio.timeout(ANSWER_SECONDS):
        while not await _has_declared(connection, queue):  # noqa: ASYNC110 - the one who has it is not ours
            await asyncio.sleep(PAUSE_SECONDS)
    try:
        yield
    finally:
        async with _channel(connection) as channel:
            await channel.queue_delete(queue, timeout=ANSWER_SECONDS)


async def _has_declared(connection: AbstractConnection, queue: str) -> bool:
    async with _channel(connection) as channel:
        with suppress(ChannelLockedResource):
            await channel.queue_declare(queue, exclusive=True, arguments={"x-queue-type": "classic"})
            return True
    return False
