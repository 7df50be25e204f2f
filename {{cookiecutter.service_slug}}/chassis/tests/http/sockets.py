"""A server on a socket, and requests as bytes: what no HTTP client would send."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from chassis.http.application import Service
from chassis.http.server import DrainingServer, create_server
from chassis.http.settings import HttpSettings, ShutdownSettings

PATIENCE_SECONDS = 20
GET = b"GET /health/live HTTP/1.1\r\nhost: service\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, taken apart."""

    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> dict[str, Any]:
        """The problem document; fails if it is none."""
        assert self.headers["content-type"] == "application/problem+json"
        document: dict[str, Any] = json.loads(self.body)
        assert document["status"] == self.status
        return document


class Socket:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Send bytes, and wait until there is room for more. Raises OSError after the server has closed."""
        self.writer.write(data)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.writer.drain()

    async def answer(self) -> Answer:
        """The next response."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, *lines = head.strip().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            body = await self.reader.readexactly(int(headers["content-length"]))
        return Answer(int(status.split(" ")[1]), headers, body)

    async def closed(self) -> bool:
        """Whether the server closes without another byte."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                return not await self.reader.read(1)
            except ConnectionResetError:
                return True


@dataclass(frozen=True, slots=True)
class Listening:
    """A server that listens."""

    port: int
    server: DrainingServer

    @property
    def connections(self) -> int:
        """How many are open, as the server sees it."""
        return len(self.server.server_state.connections)

    @asynccontextmanager
    async def connected(self, address: str = "127.0.0.1") -> AsyncIterator[Socket]:
        """A new connection inside the block, from this address."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        try:
            yield Socket(reader, writer)
        finally:
            writer.close()

    async def exchange(self, *parts: bytes) -> Answer:
        """Send a request in parts, on a connection of its own, and return the response."""
        async with self.connected() as connection:
            for part in parts:
                await connection.send(part)
            return await connection.answer()

    async def figure(self, start: str) -> float:
        """The sum of the figures of /metrics whose lines begin like this."""
        text = (await self.exchange(b"GET /metrics HTTP/1.1\r\nhost: service\r\n\r\n")).body.decode()
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(start))

    async def status_of(self, request: bytes, *, whole: bool) -> int | None:
        """Send a request, or its first part only; the status, or None if the connection ends without one."""
        async with self.connected() as connection:
            with suppress(OSError, asyncio.IncompleteReadError):
                await connection.send(request)
                if not whole:
                    connection.writer.write_eof()
                return (await connection.answer()).status
        return None


@asynccontextmanager
async def listening(service: Service, **settings: Any) -> AsyncIterator[Listening]:
    """Serve inside the block, with these settings of HttpSettings; SIGTERM stops it."""
    http = HttpSettings(port=0, **settings)
    server = create_server(service.app, service.lifecycle, http, ShutdownSettings(drain_seconds=0, grace_seconds=5))
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
    try:
        yield Listening(server.servers[0].sockets[0].getsockname()[1], server)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await task
