"""A channel on which messages are received and acknowledged.

For each acknowledgement, which the server never answers, aiormq takes a queue, a second task and a time limit. So these
are written to the connection's own transport, like the messages of `confirms.py`; the library does everything else.
"""

import asyncio
from contextlib import suppress

from aio_pika.abc import AbstractChannel
from aiormq import spec
from aiormq.abc import AbstractChannel as UnderlayChannel
from aiormq.abc import DeliveredMessage
from pamqp.frame import marshal

from ....errors import Unavailable
from .connection import BrokerConnection
from .errors import BROKEN, unavailable_errors
from .transport import BrokerTransport

ANSWER_SECONDS = 5


class ConsumerChannel:
    """Receives, acknowledges and requeues.

    Attributes:
        channel: for declaring.
        underlay: for consuming.
    """

    def __init__(self, channel: AbstractChannel, underlay: UnderlayChannel, transport: BrokerTransport) -> None:
        self.channel = channel
        self.underlay = underlay
        self._transport = transport
        self._is_closing = False
        transport.on_channel_close[underlay.number] = self._on_close

    @classmethod
    async def open(cls, connection: BrokerConnection) -> "ConsumerChannel":
        """A new channel of this connection."""
        channel = await connection.channel(publisher_confirms=False)
        return cls(channel, await channel.get_underlay_channel(), connection.tcp)

    @property
    def is_closed(self) -> bool:
        """Whether it is closed, or about to be. The broker redelivers the messages of a closed channel."""
        return self._is_closing or self.channel.is_closed

    def acknowledge(self, message: DeliveredMessage) -> None:
        """Acknowledge, unless the channel is closed. There are never more than were prefetched, so nothing drains."""
        if not self.is_closed:
            with suppress(*BROKEN):
                self._transport.write(marshal(spec.Basic.Ack(message.delivery_tag or 0), self.underlay.number))

    async def requeue(self, message: DeliveredMessage) -> None:
        """Give a message back, unless the channel is closed."""
        if not self.is_closed:
            # The server does not answer. The library can hang here while its connection ends.
            with suppress(Unavailable), unavailable_errors():
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self.underlay.basic_nack(message.delivery_tag or 0, requeue=True, wait=False)

    async def close(self) -> None:
        """Close it if the connection still allows that."""
        if not self.is_closed:
            self._is_closing = True
            self._transport.on_channel_close.pop(self.underlay.number, None)
            with suppress(Unavailable), unavailable_errors():
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self.channel.close()

    def _on_close(self) -> None:
        # At once, before the library answers: then the server accepts nothing more on this channel.
        self._is_closing = True
