"""Connections whose statements are part of a trace."""

import sqlite3
from collections.abc import Iterable
from typing import Any

import aiosqlite

from ..telemetry.statements import statement_span

SYSTEM = "sqlite"


class TracedConnection(aiosqlite.Connection):
    """A connection. The span of a statement includes its way to the connection's thread and back."""

    async def execute(  # type: ignore[override]  # nobody here uses what it returns as a context manager
        self,
        sql: str,
        parameters: Iterable[Any] | None = None,
    ) -> aiosqlite.Cursor:
        """Run a statement."""
        with statement_span(SYSTEM, sql):
            return await super().execute(sql, parameters)

    async def execute_fetchall(  # type: ignore[override]  # as above
        self,
        sql: str,
        parameters: Iterable[Any] | None = None,
    ) -> Iterable[sqlite3.Row]:
        """All rows of a query."""
        with statement_span(SYSTEM, sql):
            return await super().execute_fetchall(sql, parameters)

    async def commit(self) -> None:
        """Make it last: this is where the disk is waited for."""
        with statement_span(SYSTEM, "COMMIT"):
            await super().commit()

    async def rollback(self) -> None:
        """Take it back."""
        with statement_span(SYSTEM, "ROLLBACK"):
            await super().rollback()


async def connect(uri: str, busy_timeout: float) -> aiosqlite.Connection:
    """Open a file by its URI; transactions are begun by hand."""
    return await TracedConnection(
        lambda: sqlite3.connect(uri, uri=True, isolation_level=None, timeout=busy_timeout),
        iter_chunk_size=64,
    )
