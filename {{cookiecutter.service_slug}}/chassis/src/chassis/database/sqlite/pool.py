"""Connections to one file: one that writes, and several that read beside it (write-ahead logging)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ..port import PoolUsage
from .connection import Connection, connect


class Pool:
    """Opens connections when they are first needed and keeps them until the end."""

    def __init__(self, path: Path, readers: int, busy_timeout_seconds: float) -> None:
        self._path = path
        self._busy_timeout_seconds = busy_timeout_seconds
        self._limit = readers + 1
        self._open: list[Connection] = []
        self._in_use = 0
        self._writer: Connection | None = None
        self._writing = asyncio.Lock()
        self._opening = asyncio.Lock()
        # The last one put back is the first one taken: its cache is warm. None stands for one not opened yet.
        self._readers: asyncio.LifoQueue[Connection | None] = asyncio.LifoQueue()
        for _ in range(readers):
            self._readers.put_nowait(None)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection to read with, once one is free."""
        async with asyncio.timeout(self._busy_timeout_seconds):
            connection = await self._readers.get()
        self._in_use += 1
        try:
            connection = connection or await self._connect()
            yield connection
        finally:
            self._in_use -= 1
            self._readers.put_nowait(connection)

    async def start_writing(self) -> Connection:
        """The connection that writes, within a transaction, once it is free. End it with `stop_writing`."""
        async with asyncio.timeout(self._busy_timeout_seconds):
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
        """End the transaction and release the connection."""
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

    async def _connect(self) -> Connection:
        # mode=rw: a missing file is an error to report, not an empty database to start with.
        uri = f"{self._path.absolute().as_uri()}?mode=rw"
        # One at a time: while the first one switches a new file to write-ahead logging, SQLite refuses others at once.
        async with self._opening:
            connection = await connect(uri, self._busy_timeout_seconds)
            self._open.append(connection)
            await connection.execute("PRAGMA journal_mode = WAL")
            await connection.execute("PRAGMA synchronous = FULL")  # a commit survives a power cut
            return connection
