"""Connections: they create spans for statements and keep row values out of errors."""

from collections.abc import Mapping
from typing import Any, ClassVar

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


class LimitedConnection(ObservedConnection):
    """A connection to a pooler. Every transaction sets its time limits, in the message that begins it."""

    limits: ClassVar = ""

    @classmethod
    def with_limits(cls, limits: Mapping[str, str]) -> type["LimitedConnection"]:
        """The class of connections with these limits.

        Args:
            limits: parameters of PostgreSQL, by name.
        """
        text = "".join(f" SET LOCAL {name} = '{value}';" for name, value in limits.items())
        return type(cls.__name__, (cls,), {"limits": text})

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        """Run a statement that changes rows, or begin a transaction."""
        begin, _, rest = query.partition(";")
        if begin.split()[:1] == ["BEGIN"]:
            query = f"{begin};{self.limits}{rest}"
        return await super().execute(query, *args, **options)
