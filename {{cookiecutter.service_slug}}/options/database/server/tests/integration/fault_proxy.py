"""A TCP proxy on loopback that stands between the service and its database, and breaks what a network breaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK_BYTES = 65_536


class FaultProxy:
    """Passes bytes on, until told otherwise. `port` is where it listens."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._links: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self.latency_seconds = 0.0
        self.port = 0

    def black_hole(self) -> None:
        """Take every byte and pass none on, as a network does that loses packets."""
        self._flowing.clear()

    def refuse(self) -> None:
        """Cut every connection, and each new one at once, as a server does that is down."""
        self._refusing = True
        self.cut()

    def cut(self) -> None:
        """Cut the connections that are open now, with a reset; new ones work."""
        for link in self._links:
            link.transport.abort()

    def mend(self) -> None:
        """Everything works again."""
        self._refusing = False
        self.latency_seconds = 0.0
        self._flowing.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Called for each connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if not self._refusing:
                await self._link(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def close(self) -> None:
        """Cut everything and wait until it is gone."""
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream)
            self._links |= {writer, upstream_writer}
            try:
                async with asyncio.TaskGroup() as directions:
                    directions.create_task(self._pump(reader, upstream_writer))
                    directions.create_task(self._pump(upstream_reader, writer))
            finally:
                self._links -= {writer, upstream_writer}
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
    """A proxy to a server, as long as the block lasts.

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
