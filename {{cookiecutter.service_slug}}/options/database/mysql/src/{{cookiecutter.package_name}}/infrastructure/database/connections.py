"""One session on the server: how it is set up, what a statement in it may take, and when it must not be used again."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import datetime
from math import ceil
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

import asyncmy
from asyncmy.constants.CLIENT import FOUND_ROWS
from asyncmy.errors import MySQLError

from ...config.database import DatabaseSettings
from .errors import leaves_usable

Value = bytes | datetime | int | str
Row = tuple[Any, ...]
Outcome = TypeVar("Outcome")


class _Result(Protocol):
    rows: Sequence[Row]
    affected_rows: int


class _Prepared(Protocol):
    async def execute(self, args: Sequence[Value]) -> _Result: ...


class _Driver(Protocol):
    """What is used of asyncmy's connection, which says little about types itself."""

    async def query(self, sql: str) -> int: ...

    async def prepare(self, query: str) -> _Prepared: ...

    async def ensure_closed(self) -> None: ...

    def close(self) -> None: ...

    def get_server_info(self) -> str: ...

    def get_transaction_status(self) -> bool: ...


async def connect(settings: DatabaseSettings) -> "Connection":
    """Open a session.

    Args:
        settings: which server, and the limits that the session gets.
    """
    url = urlsplit(settings.address)
    driver: _Driver = await asyncmy.connect(
        host=url.hostname,
        port=url.port or 3306,
        user=unquote(url.username or ""),
        password_creator=lambda: settings.read_password().encode(),
        database=unquote(url.path.lstrip("/")),
        charset="utf8mb4",
        ssl=settings.tls_context(),
        connect_timeout=settings.connect_timeout_seconds,
        # An UPDATE counts the rows that its condition met, also those that hold the new values already.
        client_flag=FOUND_ROWS,
        autocommit=None,
        program_name="{{ cookiecutter.service_slug }}",
    )
    # The server ends a statement first and says so; this is for a server that says nothing any more.
    connection = Connection(driver, settings.statement_timeout_seconds + 1)
    try:
        for statement in session_statements(settings, driver.get_server_info()):
            await connection.run(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def session_statements(settings: DatabaseSettings, server: str) -> list[str]:
    """What makes a session behave the same on every server, whatever that is set to.

    Args:
        settings: the limits.
        server: what the server calls itself.
    """
    lock_seconds = ceil(settings.lock_timeout_seconds)  # whole seconds only, and 0 would mean something else
    variables: dict[str, object] = {
        "autocommit": 1,
        "sql_mode": "'TRADITIONAL'",  # refuses what does not fit, instead of cutting it
        "time_zone": "'+00:00'",
        "innodb_lock_wait_timeout": lock_seconds,  # rows
        "lock_wait_timeout": lock_seconds,  # tables, while a migration changes them
        "wait_timeout": ceil(settings.pool_recycle_seconds) + 60,  # the pool closes it before
    }
    if "mariadb" in server.lower():
        variables["max_statement_time"] = settings.statement_timeout_seconds
        # A process that is gone, and could not say so, must not hold its locks.
        variables["idle_transaction_timeout"] = ceil(settings.statement_timeout_seconds * 2)
    else:
        variables["max_execution_time"] = ceil(settings.statement_timeout_seconds * 1000)  # of SELECT only
    assignments = ", ".join(f"{name} = {value}" for name, value in variables.items())
    return [f"SET SESSION {assignments}", "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"]


class Connection:
    """A session. A statement that is cut off, by its time limit for example, closes it: the answer may still come."""

    def __init__(self, driver: _Driver, limit_seconds: float) -> None:
        self._driver = driver
        self._limit_seconds = limit_seconds
        self._prepared: dict[str, _Prepared] = {}
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

    async def _execute(self, statement: str, values: Sequence[Value]) -> _Result:
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
