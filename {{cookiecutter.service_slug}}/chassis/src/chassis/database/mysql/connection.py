"""One session on the server: its time limit for statements, and when it must not be used again."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from asyncmy.errors import MySQLError

from ...telemetry.spans import statement_span
from .driver import Driver, Prepared, Result, Row
from .errors import hide_values, is_lost, leaves_usable
from .values import encode

SYSTEM = "mysql"
# How many statements a session keeps prepared. The server counts those of all sessions, and refuses further ones beyond
# max_prepared_stmt_count, 16,382 by default.
PREPARED_AT_MOST = 100
T = TypeVar("T")


class Connection:
    """A session. A statement that is cut off, such as by its time limit, closes it: the answer may still come.

    BEGIN and COMMIT are spans too: they show how long the disk took.

    Attributes:
        lost: whether the server has ended it, or should not be used any more.
        expires_at: when it has to be replaced, on the clock of the event loop.
        silence_limits: seconds after which the server ends the session if it says nothing, within `ends_if_silent` and
            else; None where the server has a limit of its own for every transaction.
    """

    def __init__(self, driver: Driver, limit_seconds: float) -> None:
        self.lost = False
        self.expires_at = math.inf
        self.silence_limits: tuple[int, int] | None = None
        self._driver = driver
        self._limit_seconds = limit_seconds
        self._prepared: dict[str, Prepared] = {}
        self._closed = False
        self._claimed = False

    async def fetch(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a query; returns all rows."""
        with statement_span(SYSTEM, statement):
            return (await self._bounded(self._execute(statement, values))).rows

    async def execute(self, statement: str, *values: Any) -> int:
        """Run a statement that changes rows; returns how many it matched."""
        with statement_span(SYSTEM, statement):
            return (await self._bounded(self._execute(statement, values))).affected_rows

    async def run(self, statement: str) -> None:
        """Run a statement that takes no values."""
        with statement_span(SYSTEM, statement):
            await self._bounded(self._driver.query(statement))

    async def claim(self, statement: str, name: str) -> bool:
        """Take a named lock without waiting; returns whether it was free. It ends with the transaction."""
        self._claimed = True
        [[taken]] = await self.fetch(statement, name)
        return bool(taken)

    @asynccontextmanager
    async def ends_if_silent(self) -> AsyncIterator[None]:
        """Inside the block, the server soon ends the session of a process that vanished without closing it.

        For transactions whose locks keep others from their work. MySQL, unlike MariaDB, has no limit for transactions
        that idle, and to change the one for sessions takes a statement at each end of the block.
        """
        if self.silence_limits is None:
            yield
            return
        within, otherwise = self.silence_limits
        await self.run(f"SET SESSION wait_timeout = {within}")
        try:
            yield
        finally:
            if not self._closed:
                await self.run(f"SET SESSION wait_timeout = {otherwise}")

    async def commit(self) -> None:
        """End the transaction, then release named locks: their next holder has to see what was stored."""
        await self.run("COMMIT")
        await self._release_claims()

    async def roll_back(self) -> None:
        """End the transaction without effect. If that fails, the session is closed, which has the same effect."""
        if not self._closed:
            with suppress(MySQLError, OSError):
                await self.run("ROLLBACK")
            await self._release_claims()

    def is_open(self) -> bool:
        """Whether it was closed on this side. asyncmy has no public way to ask whether the server has closed it."""
        return not self._closed

    def is_reusable(self) -> bool:
        """Whether nothing is left of its last use."""
        return not (self._closed or self._claimed or self._driver.get_transaction_status())

    def close(self) -> None:
        """Cut the connection: the server rolls back, and releases every lock."""
        self._closed = True
        self._driver.close()

    def abandon(self) -> None:
        """Close it and, with it, the idle ones of its pool: they lead to a server that is no longer the right one."""
        self.lost = True
        self.close()

    async def leave(self) -> None:
        """Close it in a way that the server does not count as aborted."""
        self._closed = True
        try:
            async with asyncio.timeout(self._limit_seconds):
                await self._driver.ensure_closed()
        except (MySQLError, OSError):
            self._driver.close()

    async def _release_claims(self) -> None:
        """Never fails: the transaction has ended already, and its outcome stands."""
        if self._claimed and not self._closed:
            try:
                await self.run("DO RELEASE_ALL_LOCKS()")
                self._claimed = False
            except (MySQLError, OSError):
                self.close()

    async def _execute(self, statement: str, values: Sequence[Any]) -> Result:
        prepared = self._prepared.pop(statement, None)
        if prepared is None:
            if len(self._prepared) >= PREPARED_AT_MOST:
                await self._prepared.pop(next(iter(self._prepared))).close()  # the one that was not used for longest
            prepared = await self._driver.prepare(statement)
        self._prepared[statement] = prepared
        return await prepared.execute([encode(value) for value in values])

    async def _bounded(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._limit_seconds):
                return await work
        except BaseException as error:
            self.lost = self.lost or is_lost(error)
            if not leaves_usable(error):
                self.close()
            hide_values(error)
            raise
