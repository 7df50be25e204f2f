"""Finds out which query a repository runs, so that a test can ask the database for its plan."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from ..database.port import Database, Row


async def query_of(
    database: Database, read: Callable[[], Awaitable[object]], monkeypatch: pytest.MonkeyPatch
) -> tuple[str, Sequence[Any]]:
    """The statement that a read runs, and its values; the database is not asked and finds no rows.

    Args:
        database: that the read uses; it need not be opened.
        read: runs exactly one query, outside a transaction.
        monkeypatch: of the test.
    """
    queries: list[tuple[str, Sequence[Any]]] = []

    async def fetch(statement: str, *values: Any) -> Sequence[Row]:
        queries.append((statement, values))
        return []

    with monkeypatch.context() as patched:
        patched.setattr(database, "fetch", fetch)
        await read()
    (query,) = queries
    return query
