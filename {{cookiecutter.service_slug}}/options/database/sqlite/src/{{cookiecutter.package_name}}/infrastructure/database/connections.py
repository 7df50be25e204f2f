"""Connections to one file: one that writes, some that read beside it (write-ahead logging)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite

from .port import PoolUsage
{%- if cookiecutter.tracing != "none" %}
from .tracing import connect
{%- endif %}


class Connections:
    """Opens connections when they are first needed and keeps them until the end."""

    def __init__(self, path: Path, readers: int, busy_timeout: float) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._limit = readers + 1
        self._open: list[aiosqlite.Connection] = []
        self._in_use = 0
        self._writer: aiosqlite.Connection | None = None
        self._writing = asyncio.Lock()
        self._opening = asyncio.Lock()
        # The last one put back is the first one taken: its cache is warm. None stands for one not opened yet.
        self._readers: asyncio.LifoQueue[aiosqlite.Connection | None] = asyncio.LifoQueue()
        for _ in range(readers):
            self._readers.put_nowait(None)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[aiosqlite.Connection]:
        """A connection to read with, once one is free."""
        async with asyncio.timeout(self._busy_timeout):
            connection = await self._readers.get()
        self._in_use += 1
        try:
            connection = connection or await self._connect()
            yield connection
        finally:
            self._in_use -= 1
            self._readers.put_nowait(connection)

    async def start_writing(self) -> aiosqlite.Connection:
        """The one connection that writes, within a transaction, once nobody else has it. End with `stop_writing`."""
        async with asyncio.timeout(self._busy_timeout):
            await self._writing.acquire()
        self._in_use += 1
        try:
            self._writer = self._writer or await self._connect()
            await self._writer.execute("BEGIN IMMEDIATE")
        except BaseException:
            await self.stop_writing(commit=False)
            raise
        return self._writer

    async def stop_writing(self, *, commit: bool) -> None:
        """End the transaction and let the next one write."""
        try:
            if self._writer is not None:
                await (self._writer.commit() if commit else self._writer.rollback())
        finally:
            self._in_use -= 1
            self._writing.release()

    async def close(self) -> None:
        """Close every connection; what was not committed is gone."""
        for connection in self._open:
            await connection.close()
        self._open.clear()

    def usage(self) -> PoolUsage:
        """Connections at this moment."""
        return PoolUsage(in_use=self._in_use, idle=max(0, len(self._open) - self._in_use), limit=self._limit)

    async def _connect(self) -> aiosqlite.Connection:
        # mode=rw: a missing file is an error to report, not an empty database to start with.
        uri = f"{self._path.absolute().as_uri()}?mode=rw"
        # One at a time: while the first one turns a new file to write-ahead logging, SQLite refuses others at once.
        async with self._opening:
            return await self._opened(uri)

    async def _opened(self, uri: str) -> aiosqlite.Connection:
{%- if cookiecutter.tracing != "none" %}
        connection = await connect(uri, self._busy_timeout)
{%- else %}
        connection = await aiosqlite.connect(uri, uri=True, isolation_level=None, timeout=self._busy_timeout)
{%- endif %}
        self._open.append(connection)
        await connection.execute("PRAGMA journal_mode = WAL")
        await connection.execute("PRAGMA synchronous = FULL")  # a commit survives a power cut
        return connection
