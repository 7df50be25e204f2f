"""SQLite through aiosqlite: reading, and where transactions begin."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

import aiosqlite

from ...domain.errors import NotFound
from ...domain.model import {{ cookiecutter.__Entity }}
from ...domain.ports import Page
from ...domain.values import Status
from . import statements
from .connections import Connections
from .errors import unavailable_errors
from .port import PoolUsage
from .unit_of_work import SqliteUnitOfWork, to_aggregate, to_text

_AFTER_EVERYTHING = UUID(int=2**128 - 1)


class SqliteDatabase:
    """One file; what is committed is on the disk."""

    kind = "sqlite"

    def __init__(self, path: Path, readers: int, busy_timeout: float) -> None:
        self.path = path
        self._connections = Connections(path, readers, busy_timeout)
        self._claimed: set[str] = set()

    async def open(self) -> None:
        """Connections are opened when they are first needed, so that the file may come later."""

    async def close(self) -> None:
        """Close every connection."""
        await self._connections.close()

    async def check(self) -> None:
        """Read as requests do."""
        async with self.reading() as connection:
            await connection.execute_fetchall(statements.CHECK)

    def usage(self) -> PoolUsage:
        """Connections at this moment."""
        return self._connections.usage()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqliteUnitOfWork]:
        """A transaction; it waits for others only once it reads or writes."""
        work = SqliteUnitOfWork(self._connections, self._claimed)
        with unavailable_errors():
            try:
                yield work
            except BaseException:
                await work.end(commit=False)
                raise
            await work.end(commit=True)

    async def find(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """Read one."""
        async with self.reading() as connection:
            rows = await connection.execute_fetchall(statements.SELECT, (str(id),))
        for row in rows:
            return to_aggregate(row)
        raise NotFound(id)

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Page:
        """Read one row more than asked for: it tells whether another page follows."""
        bound = str(after or _AFTER_EVERYTHING)
        async with self.reading() as connection:
            if status is None:
                rows = await connection.execute_fetchall(statements.PAGE, (bound, limit + 1))
            else:
                rows = await connection.execute_fetchall(statements.PAGE_BY_STATUS, (bound, status.value, limit + 1))
        found = [to_aggregate(row) for row in rows]
        return Page(found[:limit], next=found[limit - 1].id if len(found) > limit else None)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[aiosqlite.Connection]:
        """A connection to read with, as long as the block lasts. Raises Unavailable."""
        with unavailable_errors():
            async with self._connections.reading() as connection:
                yield connection

    async def forget_answers(self, before: datetime) -> int:
        """Delete in small steps until nothing old is left."""
        total = 0
        while True:
            async with self.begin() as work:
                deleted = await work.execute(statements.DELETE_ANSWERS, (to_text(before),))
            if not deleted:
                return total
            total += deleted
