"""Connections whose statements are part of a trace."""

from typing import Any

import asyncpg

from ..telemetry.statements import statement_span

SYSTEM = "postgresql"


class TracedConnection(asyncpg.Connection):
    """As the pool makes them. BEGIN and COMMIT are statements too: they tell how long the disk took."""

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        """Change something."""
        with statement_span(SYSTEM, query):
            return await super().execute(query, *args, **options)

    async def fetch(self, query: str, *args: Any, **options: Any) -> list[Any]:
        """All rows of a query."""
        with statement_span(SYSTEM, query):
            rows: list[Any] = await super().fetch(query, *args, **options)
            return rows

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        """The first row of a query."""
        with statement_span(SYSTEM, query):
            return await super().fetchrow(query, *args, **options)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        """One value of the first row."""
        with statement_span(SYSTEM, query):
            return await super().fetchval(query, *args, **options)
