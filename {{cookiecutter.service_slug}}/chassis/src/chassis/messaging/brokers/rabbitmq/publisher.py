"""Publishing with confirms: many messages at once, and for each whether the broker stored it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aio_pika.abc import AbstractConnection

from ....errors import Unavailable
from .confirms import ConfirmChannel, Confirms, OutgoingMessage
from .connection import BrokerConnection, ReconnectingConnection
from .errors import BLOCKED, unavailable_errors
from .topology import BrokerTopology

# A blocked connection can only be detected by waiting for its end.
BLOCKED_SECONDS = 0.01


class ConfirmingPublisher:
    """A channel for publishing, opened again whenever it was closed."""

    def __init__(self, connection: ReconnectingConnection, topology: BrokerTopology, timeout_seconds: float) -> None:
        self._connection = connection
        self._topology = topology
        self._timeout_seconds = timeout_seconds
        self._channel: ConfirmChannel | None = None
        self._declared: int | None = None
        self._opening = asyncio.Lock()

    async def publish(self, messages: Sequence[OutgoingMessage]) -> set[str]:
        """Publish all of them in order, and wait until each is confirmed or refused.

        Returns:
            ids of the confirmed ones, without those that were returned because no queue takes them.

        Raises:
            Unavailable: the broker cannot be used, or did not answer in time, and none was confirmed.
        """
        confirms = Confirms(len(messages))
        try:
            async with self._ready() as channel:
                await channel.publish(messages, confirms)
                if confirms.is_returned:
                    await channel.close()  # on a new one everything is declared again
        except Unavailable:
            if not confirms.confirmed:
                raise
        return set(confirms.confirmed)  # answers may still arrive

    async def check(self) -> None:
        """Raise Unavailable unless the broker accepts events."""
        async with self._ready() as channel:
            await channel.channel.get_exchange(self._topology.exchange)

    @asynccontextmanager
    async def _ready(self) -> AsyncIterator[ConfirmChannel]:
        """The channel; inside the block with a time limit and errors of the port."""
        connection: AbstractConnection | None = None
        with unavailable_errors():
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    connection = await self._connection.connection()
                    await _refuse_if_blocked(connection)
                    yield await self._open_channel(connection)
            except TimeoutError:
                if connection is not None:
                    await _refuse_if_blocked(connection)
                self._connection.abort()
                raise

    async def _open_channel(self, connection: BrokerConnection) -> ConfirmChannel:
        """The channel. A new one may lead to a server that came back empty, so everything is declared on it."""
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = await ConfirmChannel.open(connection)
                self._declared = None
            version = self._topology.version
            if self._declared != version:
                await self._topology.declare(self._channel.channel)
                self._declared = version
            return self._channel


async def _refuse_if_blocked(connection: AbstractConnection) -> None:
    """Raise Unavailable if the server accepts nothing now. It will read on later, so the connection stays."""
    transport = connection.transport
    if transport is None:
        raise ConnectionResetError
    try:
        async with asyncio.timeout(BLOCKED_SECONDS):
            await transport.ready()
    except TimeoutError:
        raise Unavailable("broker", BLOCKED) from None
