"""A TCP proxy on loopback that stands between the adapter and its broker, and breaks what a network breaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK_BYTES = 65_536


class BrokerProxy:
    """Passes bytes on, until told otherwise. `port` is where it listens."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._links: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self.port = 0
        self.accepted = 0

    def cut(self) -> None:
        """Cut the connections that are open now, with a reset; new ones work."""
        for writers in self._links.values():
            for writer in writers:
                writer.transport.abort()

    def refuse(self) -> None:
        """Cut every connection, and each new one at once, as a server does that is down."""
        self._refusing = True
        self.cut()

    def black_hole(self) -> None:
        """Take every byte and pass none on, as a network does that loses packets."""
        self._flowing.clear()

    def mend(self) -> None:
        """Everything works again."""
        self._refusing = False
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
        """Cut everything and wait until it is gone."""
        tasks = list(self._links)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _link(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        writers: list[asyncio.StreamWriter],
    ) -> None:
        back, forth = await asyncio.open_connection(*self._upstream)
        writers.append(forth)
        try:
            async with asyncio.TaskGroup() as directions:
                directions.create_task(self._pump(reader, forth))
                directions.create_task(self._pump(back, writer))
        finally:
            forth.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def broker_proxy(host: str, port: int) -> AsyncIterator[BrokerProxy]:
    """A proxy to a server, as long as the block lasts."""
    proxy = BrokerProxy(host, port)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
