"""The TCP connection beneath the client library."""

import asyncio
import ssl
import struct
from collections.abc import Callable
from typing import Any

from aiormq import TransportFactory, spec
from pamqp.constants import FRAME_METHOD
from pamqp.frame import FrameTypes, unmarshal
from yarl import URL

from ...port import noop

# AMQP 0-9-1, section 4.2.3: type, channel and size of the payload, which one more octet follows.
_FRAME_HEADER = struct.Struct(">BHI")
_FRAME_END_OCTETS = 1

_CHANNEL_CLOSE = spec.Channel.Close.index.to_bytes(4)

FrameReceiver = Callable[[FrameTypes], None]


class BrokerTransport(TransportFactory):
    """Makes the TCP connection for aiormq. The adapter can drop it without waiting for the server, and use channels
    itself: write their frames, and receive what the server sends on them.

    Args:
        tls: how to encrypt; None for a plain connection.

    Attributes:
        receivers: by channel number; called with each frame of that channel, before the library handles it.
        on_channel_close: by channel number; called once if the server closes that channel, before the library handles
            it. Other frames are not decoded for these, which would take as long as receiving a message.
    """

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.receivers: dict[int, FrameReceiver] = {}
        self.on_channel_close: dict[int, Callable[[], None]] = {}
        self._tls = tls
        self._writer: asyncio.StreamWriter | None = None
        self._incomplete = b""

    async def create(self, url: URL, **_: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Called by aiormq. Like `asyncio.open_connection`, which accepts no protocol."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = _ObservedProtocol(reader, self._receive)
        host, port = url.host or "", url.port or 0  # aiormq fills in what is missing
        transport, _protocol = await loop.create_connection(lambda: protocol, host, port, ssl=self._tls)
        self._writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        return reader, self._writer

    def write(self, frames: bytes) -> None:
        """Write whole frames, between those of the library."""
        if self._writer is not None:
            self._writer.write(frames)

    async def drain(self) -> None:
        """Wait until the server has read most of what was written. Raises ConnectionError."""
        if self._writer is not None:
            await self._writer.drain()

    def abort(self) -> None:
        """Drop the connection."""
        if self._writer is not None:
            self._writer.transport.abort()

    def _receive(self, data: bytes) -> None:
        data = self._incomplete + data
        start = 0
        while len(data) - start >= _FRAME_HEADER.size:
            type, channel, size = _FRAME_HEADER.unpack_from(data, start)
            end = start + _FRAME_HEADER.size + size + _FRAME_END_OCTETS
            if end > len(data):
                break
            if (receiver := self.receivers.get(channel)) is not None:
                _, _, frame = unmarshal(data[start:end])
                receiver(frame)
            elif type == FRAME_METHOD and data.startswith(_CHANNEL_CLOSE, start + _FRAME_HEADER.size):
                self.on_channel_close.pop(channel, noop)()
            start = end
        self._incomplete = data[start:]


class _ObservedProtocol(asyncio.StreamReaderProtocol):
    """Passes on what arrives, before the stream's reader gets it."""

    def __init__(self, reader: asyncio.StreamReader, receive: Callable[[bytes], None]) -> None:
        super().__init__(reader)
        self._receive = receive

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._receive(data)
        super().data_received(data)
