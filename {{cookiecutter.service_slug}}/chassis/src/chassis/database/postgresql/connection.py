"""Connections: they create spans for statements and keep row values out of errors."""

from typing import Any

import asyncpg

from ...telemetry.spans import statement_span
from .errors import remove_row_values

SYSTEM = "postgresql"
Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


class ObservedConnection(asyncpg.Connection):
    """A connection of the pool. BEGIN and COMMIT have spans too: they show how long the disk took."""

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        """Run a statement that changes rows."""
        try:
            with statement_span(SYSTEM, query):
                return await super().execute(query, *args, **options)
        except asyncpg.PostgresError as error:
            remove_row_values(error)
            raise

    async def fetch(self, query: str, *args: Any, **options: Any) -> list[Any]:
        """All rows of a query."""
        try:
            with statement_span(SYSTEM, query):
                rows: list[Any] = await super().fetch(query, *args, **options)
                return rows
        except asyncpg.PostgresError as error:
            remove_row_values(error)
            raise

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        """The first row of a query."""
        try:
            with statement_span(SYSTEM, query):
                return await super().fetchrow(query, *args, **options)
        except asyncpg.PostgresError as error:
            remove_row_values(error)
            raise

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        """One value of the first row."""
        try:
            with statement_span(SYSTEM, query):
                return await super().fetchval(query, *args, **options)
        except asyncpg.PostgresError as error:
            remove_row_values(error)
            raise
