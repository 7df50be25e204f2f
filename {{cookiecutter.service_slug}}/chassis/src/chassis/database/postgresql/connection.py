"""Connections: they create spans for statements and keep row values out of errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from ...telemetry.spans import statement_span
from .errors import without_row_values

SYSTEM = "postgresql"
Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


@contextmanager
def _observed(query: str) -> Iterator[None]:
    with statement_span(SYSTEM, query), without_row_values():
        yield


class ObservedConnection(asyncpg.Connection):
    """A connection of the pool. BEGIN and COMMIT have spans too: they show how long the disk took."""

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        """Run a statement that changes rows."""
        with _observed(query):
            return await super().execute(query, *args, **options)

    async def fetch(self, query: str, *args: Any, **options: Any) -> list[Any]:
        """All rows of a query."""
        with _observed(query):
            rows: list[Any] = await super().fetch(query, *args, **options)
            return rows

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        """The first row of a query."""
        with _observed(query):
            return await super().fetchrow(query, *args, **options)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        """One value of the first row."""
        with _observed(query):
            return await super().fetchval(query, *args, **options)
