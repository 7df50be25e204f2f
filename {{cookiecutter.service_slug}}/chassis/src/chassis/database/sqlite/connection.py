"""Connections of aiosqlite that record their statements as spans."""

import sqlite3
from collections.abc import Iterable
from typing import Any

import aiosqlite

from ...telemetry.spans import statement_span

SYSTEM = "sqlite"


class Connection(aiosqlite.Connection):
    """A connection. The span of a statement includes its way to the connection's thread and back."""

    async def execute(  # type: ignore[override]  # the returned context manager is never used here
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
        """Run a query; returns all rows."""
        with statement_span(SYSTEM, sql):
            return await super().execute_fetchall(sql, parameters)

    async def commit(self) -> None:
        """Commit the transaction, which waits for the disk."""
        with statement_span(SYSTEM, "COMMIT"):
            await super().commit()

    async def rollback(self) -> None:
        """Roll back the transaction."""
        with statement_span(SYSTEM, "ROLLBACK"):
            await super().rollback()


async def connect(uri: str, busy_timeout_seconds: float) -> Connection:
    """Open a file by its URI; the caller begins transactions itself."""
    connection = Connection(
        lambda: sqlite3.connect(uri, uri=True, isolation_level=None, timeout=busy_timeout_seconds),
        iter_chunk_size=64,
    )
    await connection
    return connection
