"""A TCP proxy on loopback, between an adapter and its server, that breaks what a network breaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK_BYTES = 65_536


class FaultProxy:
    """Forwards bytes until a fault is injected.

    Attributes:
        port: where it listens.
        accepted: how many connections it has accepted.
        latency_seconds: delay of each chunk.
    """

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._links: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self.port = 0
        self.accepted = 0
        self.latency_seconds = 0.0

    def black_hole(self) -> None:
        """Accept bytes and forward none, as a network does that loses packets."""
        self._flowing.clear()

    def refuse(self) -> None:
        """Cut every connection, and each new one at once, as if the server were down."""
        self._refusing = True
        self.cut()

    def cut(self) -> None:
        """Reset the open connections; new ones work."""
        for writers in self._links.values():
            for writer in writers:
                writer.transport.abort()

    def restore(self) -> None:
        """End every fault."""
        self._refusing = False
        self.latency_seconds = 0.0
        self._flowing.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Called for each connection."""
        task = asyncio.current_task()
        assert task is not None
        self.accepted += 1
        self._links[task] = [writer]
        try:
            if not self._refusing:
                with suppress(OSError):
                    await self._link(reader, writer, self._links[task])
        finally:
            del self._links[task]
            writer.transport.abort()

    async def close(self) -> None:
        """Cut everything and wait for its end."""
        tasks = list(self._links)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _link(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, writers: list[asyncio.StreamWriter]
    ) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream)
        writers.append(upstream_writer)
        try:
            async with asyncio.TaskGroup() as directions:
                directions.create_task(self._pump(reader, upstream_writer))
                directions.create_task(self._pump(upstream_reader, writer))
        finally:
            upstream_writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._flowing.wait()
                await asyncio.sleep(self.latency_seconds)
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def fault_proxy(host: str, port: int) -> AsyncIterator[FaultProxy]:
    """Run a proxy to a server inside the block.

    Args:
        host: the server's address.
        port: the server's port.
    """
    proxy = FaultProxy(host, port)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
