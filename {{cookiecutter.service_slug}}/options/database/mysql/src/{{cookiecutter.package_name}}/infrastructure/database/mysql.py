"""MySQL through asyncmy: reading, and where transactions begin."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from uuid import UUID

from ...config.database import DatabaseSettings
from ...domain.errors import NotFound
from ...domain.model import {{ cookiecutter.__Entity }}
from ...domain.ports import Page
from ...domain.values import Status
from . import statements
from .connections import Connection
from .errors import interrupted_errors, unavailable_errors
from .pool import Pool
from .port import PoolUsage
from .sessions import connect
from .unit_of_work import MysqlUnitOfWork, to_aggregate, to_column

_AFTER_EVERYTHING = UUID(int=2**128 - 1)


class MysqlDatabase:
    """A pool of connections; connects when first needed, so that the service can start before its database."""

    kind = "mysql"

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._pool: Pool | None = None

    async def open(self) -> None:
        """Make the pool, unless there is one; opens no connection yet."""
        self._pool = self._pool or Pool(
            partial(connect, self._settings),
            size=self._settings.pool_size,
            wait_seconds=self._settings.connect_timeout_seconds,
            recycle_seconds=self._settings.pool_recycle_seconds,
        )

    async def close(self) -> None:
        """Wait for connections in use, then close all."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def check(self) -> None:
        """Ask the server, on a connection as requests use it."""
        async with self.connection() as connection:
            await connection.fetch(statements.CHECK)

    def usage(self) -> PoolUsage:
        """Connections at this moment."""
        if self._pool is None:
            return PoolUsage(in_use=0, idle=0, limit=self._settings.pool_size)
        return self._pool.usage()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MysqlUnitOfWork]:
        """A transaction at READ COMMITTED: versions guard against lost updates, so nothing stricter is needed."""
        async with self.connection() as connection:
            with interrupted_errors():
                await connection.run("BEGIN")
                try:
                    yield MysqlUnitOfWork(connection)
                except BaseException:
                    await connection.roll_back()
                    raise
            await connection.commit()  # lost in here, its outcome is unknown, and only the client may try again

    async def find(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """Read one."""
        async with self.connection() as connection:
            with interrupted_errors():
                rows = await connection.fetch(statements.SELECT, id.bytes)
        if not rows:
            raise NotFound(id)
        return to_aggregate(rows[0])

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Page:
        """Read one row more than asked for: it tells whether another page follows."""
        bounds = ((after or _AFTER_EVERYTHING).bytes, limit + 1)
        async with self.connection() as connection:
            with interrupted_errors():
                if status is None:
                    rows = await connection.fetch(statements.PAGE, *bounds)
                else:
                    rows = await connection.fetch(statements.PAGE_BY_STATUS, status.value, *bounds)
        items = [to_aggregate(row) for row in rows[:limit]]
        return Page(items, next=items[-1].id if len(rows) > limit else None)

    async def forget_answers(self, before: datetime) -> int:
        """Delete in small steps until nothing old is left."""
        total = 0
        while True:
            async with self.connection() as connection:
                deleted = await connection.execute(statements.DELETE_ANSWERS, to_column(before))
            if not deleted:
                return total
            total += deleted

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One of the pool, as long as the block lasts. Raises Unavailable, also for what fails within the block."""
        if self._pool is None:
            raise RuntimeError("the database is used before open()")
        with unavailable_errors():
            async with self._pool.connection() as connection:
                yield connection
