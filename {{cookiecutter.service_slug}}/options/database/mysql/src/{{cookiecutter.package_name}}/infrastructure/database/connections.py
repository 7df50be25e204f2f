"""One session on the server: what a statement in it may take, and when it must not be used again."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import TypeVar

from asyncmy.errors import MySQLError

from .driver import Driver, Prepared, Result, Row, Value
from .errors import leaves_usable

Outcome = TypeVar("Outcome")


class Connection:
    """A session. A statement that is cut off, by its time limit for example, closes it: the answer may still come."""

    def __init__(self, driver: Driver, limit_seconds: float) -> None:
        self._driver = driver
        self._limit_seconds = limit_seconds
        self._prepared: dict[str, Prepared] = {}
        self._closed = False
        self._claimed = False

    async def fetch(self, statement: str, *values: Value) -> Sequence[Row]:
        """All rows of a query."""
        return (await self._bounded(self._execute(statement, values))).rows

    async def execute(self, statement: str, *values: Value) -> int:
        """Change something; says how many rows the statement met."""
        return (await self._bounded(self._execute(statement, values))).affected_rows

    async def run(self, statement: str) -> None:
        """Run a statement that takes no values."""
        await self._bounded(self._driver.query(statement))

    async def claim(self, statement: str, name: str) -> bool:
        """Take a named lock without waiting; says whether it was free. It ends with the transaction."""
        self._claimed = True
        [[taken]] = await self.fetch(statement, name)
        return bool(taken)

    async def commit(self) -> None:
        """End the transaction, then let go of named locks: whoever gets one next has to see what was stored."""
        await self.run("COMMIT")
        await self._release_claims()

    async def roll_back(self) -> None:
        """End the transaction without effect. A session that cannot do it any more is closed, which does the same."""
        if not self._closed:
            with suppress(MySQLError, OSError):
                await self.run("ROLLBACK")
            await self._release_claims()

    def is_alive(self) -> bool:
        """Whether nothing is known against it. The driver's own pool asks this too; it has no public name."""
        return not (self._closed or getattr(self._driver, "_stream_broken", False))

    def is_reusable(self) -> bool:
        """Whether nothing of what was done with it is left."""
        return self.is_alive() and not (self._claimed or self._driver.get_transaction_status())

    def close(self) -> None:
        """Cut the connection: the server rolls back, and releases every lock."""
        self._closed = True
        self._driver.close()

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

    async def _execute(self, statement: str, values: Sequence[Value]) -> Result:
        prepared = self._prepared.get(statement)
        if prepared is None:
            prepared = self._prepared[statement] = await self._driver.prepare(statement)
        return await prepared.execute(values)

    async def _bounded(self, work: Awaitable[Outcome]) -> Outcome:
        try:
            async with asyncio.timeout(self._limit_seconds):
                return await work
        except BaseException as error:
            if not leaves_usable(error):
                self.close()
            raise
