"""A fake Kafka server with just enough of the protocol to refuse a password."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

API_VERSIONS, HANDSHAKE, AUTHENTICATE = 18, 17, 36
UNSUPPORTED_VERSION, AUTHENTICATION_FAILED = 35, 58
VERSIONS = ((API_VERSIONS, 0, 0), (HANDSHAKE, 0, 1), (AUTHENTICATE, 0, 0), (3, 0, 5), (0, 0, 7), (1, 0, 10))


class SaslServer:
    """Offers the mechanism PLAIN, refuses every password and records it."""

    def __init__(self) -> None:
        self.passwords: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Called for each connection."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                request = await reader.readexactly(size)
                api, version, correlation = struct.unpack_from(">hhi", request)
                response = struct.pack(">i", correlation) + self._respond(api, version, request)
                writer.write(struct.pack(">i", len(response)) + response)
                await writer.drain()
        writer.close()

    def _respond(self, api: int, version: int, request: bytes) -> bytes:
        if api == API_VERSIONS:
            versions = b"".join(struct.pack(">hhh", *each) for each in VERSIONS)
            return struct.pack(">hi", UNSUPPORTED_VERSION if version else 0, len(VERSIONS)) + versions
        if api == HANDSHAKE:
            return struct.pack(">hih", 0, 1, 5) + b"PLAIN"
        self.passwords.append(request.rpartition(b"\x00")[2])
        return struct.pack(">hh", AUTHENTICATION_FAILED, 6) + b"denied" + struct.pack(">i", 0)


@asynccontextmanager
async def sasl_server() -> AsyncIterator[SaslServer]:
    """A fake server on loopback, inside the block."""
    sasl = SaslServer()
    server = await asyncio.start_server(sasl.serve, "127.0.0.1", 0)
    sasl.port = server.sockets[0].getsockname()[1]
    try:
        yield sasl
    finally:
        server.close()
