"""Takes the broker away and brings it back.

By default with a proxy between the service and the broker. Where CHAOS_BROKER_STOP and CHAOS_BROKER_START are set, such
as to `docker compose kill broker` and `docker compose start broker`, they do it to the broker itself.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings

STOP = os.environ.get("CHAOS_BROKER_STOP")
START = os.environ.get("CHAOS_BROKER_START")
CHUNK = 65_536


class Outage(Protocol):
    """What can happen to a broker."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What the service is told."""
        ...

    async def cut(self) -> None:
        """Break every connection; new ones work."""
        ...

    async def down(self) -> None:
        """Break every connection, and refuse new ones."""
        ...

    async def up(self) -> None:
        """All is well again."""
        ...


@asynccontextmanager
async def outage_of(settings: BrokerSettings) -> AsyncIterator[Outage]:
    """Have the broker of the settings in hand, as long as the block lasts."""
    assert settings.url is not None
    proxy = Proxy(settings.url.get_secret_value())
    await proxy.up()
    try:
        yield CommandedOutage(proxy, STOP, START) if STOP and START else proxy
    finally:
        await proxy.down()


class Proxy:
    """Passes on what comes, to the broker and back, until it does not."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def environment(self) -> Mapping[str, str]:
        """The broker's address with the place of the proxy."""
        account = self._parts.netloc.rpartition("@")[0]
        place = f"127.0.0.1:{self._port}"
        parts = self._parts._replace(netloc=f"{account}@{place}" if account else place)
        return {"BROKER_URL": urlunsplit(parts)}

    async def up(self) -> None:
        """Listen, always on the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Listen no more, and break what is open."""
        if self._server is not None:
            self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """Break what is open, without a word."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection(self._parts.hostname, self._parts.port)
            self._writers |= {writer, back}
            try:
                await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
            finally:
                self._writers -= {writer, back}
        writer.transport.abort()


class CommandedOutage:
    """Stops and starts the broker itself; only connections are cut by the proxy."""

    def __init__(self, proxy: Proxy, stop: str, start: str) -> None:
        self.environment = proxy.environment
        self._proxy = proxy
        self._stop = stop
        self._start = start

    async def cut(self) -> None:
        """Break every connection."""
        await self._proxy.cut()

    async def down(self) -> None:
        """Run the command that stops it."""
        await _run(self._stop)

    async def up(self) -> None:
        """Run the command that starts it."""
        await _run(self._start)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def _run(command: str) -> None:
    process = await asyncio.create_subprocess_shell(command)
    assert await process.wait() == 0, command
