"""A TCP proxy on loopback between an adapter and its server, which fails as networks and servers do."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

CHUNK_BYTES = 65_536


class FaultProxy:
    """Forwards connections to the server of a URL.

    Args:
        url: of the server.
        default_port: for a URL without one.
        tls: terminates TLS, which the server then need not speak; the proxy itself speaks none to it.

    Attributes:
        accepted: how many connections were made so far.
        latency_seconds: delay of every chunk of bytes.
    """

    def __init__(self, url: str, default_port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._parts = urlsplit(url)
        self._upstream = (self._parts.hostname or "", self._parts.port or default_port)
        self._tls = tls
        self._connections: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._forwarding = asyncio.Event()
        self._forwarding.set()
        self._refusing = False
        self._server: asyncio.Server | None = None
        self._port = 0
        self.accepted = 0
        self.latency_seconds = 0.0

    @property
    def url(self) -> str:
        """The URL with the proxy's address instead of the server's."""
        account = self._parts.netloc.rpartition("@")[0]
        address = f"127.0.0.1:{self._port}"
        return urlunsplit(self._parts._replace(netloc=f"{account}@{address}" if account else address))

    async def listen(self) -> None:
        """Listen, always on the same port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]

    def redirect(self, url: str, default_port: int = 0) -> None:
        """Lead new connections to another server, as an address that follows a failover; open ones stay."""
        parts = urlsplit(url)
        self._upstream = (parts.hostname or "", parts.port or default_port)

    async def stop_listening(self) -> None:
        """Refuse new connections, as a host without the server does, and cut the open ones."""
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Reset the open connections; new ones work."""
        for writers in self._connections.values():
            for writer in writers:
                writer.transport.abort()

    def refuse(self) -> None:
        """Reset the open connections, and each new one once it is accepted."""
        self._refusing = True
        self.cut()

    def inject(self, data: bytes) -> None:
        """Send bytes to every client, as if they came from the server."""
        for to_client, *_ in self._connections.values():
            to_client.write(data)

    def black_hole(self) -> None:
        """Accept every byte and forward none, as a network that loses packets."""
        self._forwarding.clear()

    def restore(self) -> None:
        """Forward again, without delay."""
        self._refusing = False
        self.latency_seconds = 0.0
        self._forwarding.set()

    async def close(self) -> None:
        """Stop listening, and wait until every connection is closed."""
        await self.stop_listening()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.accepted += 1
        self._connections[task] = [writer]
        try:
            if not self._refusing:
                with suppress(OSError):
                    await self._forward(reader, writer, self._connections[task])
        finally:
            del self._connections[task]
            writer.transport.abort()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, writers: list[asyncio.StreamWriter]
    ) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._upstream)
        writers.append(server_writer)
        try:
            async with asyncio.TaskGroup() as directions:
                directions.create_task(self._copy(reader, server_writer))
                directions.create_task(self._copy(server_reader, writer))
        finally:
            server_writer.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._forwarding.wait()
                await asyncio.sleep(self.latency_seconds)
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def fault_proxy(url: str, default_port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[FaultProxy]:
    """A proxy to the server of a URL, inside the block. The arguments are those of FaultProxy."""
    proxy = FaultProxy(url, default_port, tls)
    await proxy.listen()
    try:
        yield proxy
    finally:
        await proxy.close()
