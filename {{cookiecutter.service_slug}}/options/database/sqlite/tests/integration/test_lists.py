"""Lists stay fast: every page comes from an index, and a late page costs what the first one costs."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
import pytest
from chassis.database import Database
from chassis.http.paging import encode_cursor
from chassis.testing.queries import query_of

from tests.support.api import URL

ROWS = 200_000
PAGE = 50
RARE = 1_000  # one in so many rows has the status `created`
FILL = f"""
WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS})
INSERT INTO {{ cookiecutter.__entities }} (id, reference, quantity, status, version, created_at, updated_at)
SELECT printf('01900000-0000-7000-8000-%012x', n), 'A-' || n, 1,
       CASE WHEN n % {RARE} = 0 THEN 'created' WHEN n % 2 = 0 THEN 'confirmed' ELSE 'cancelled' END,
       1, '2026-01-31', '2026-01-31'
FROM numbers
"""  # noqa: S608


def after(skipped: int) -> UUID:
    """The id that so many rows precede."""
    return UUID(int=UUID("01900000-0000-7000-8000-000000000000").int + ROWS + 1 - skipped)


@pytest.mark.parametrize(
    ("query", "index", "skipped"),
    [
        ({}, "PRIMARY KEY (id<?)", 999 * PAGE),
        (
            {"status": "created"},
            "INDEX {{ cookiecutter.__entities }}_by_status (status=? AND id<?)",
            2 * PAGE * RARE,
        ),
    ],
)
async def test_every_page_comes_from_an_index_at_the_same_cost(
    client: httpx2.AsyncClient,
    closed_database: Database,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    query: dict[str, str],
    index: str,
    skipped: int,
) -> None:
    costs = []
    path = database_url.removeprefix("sqlite:///")
    await asyncio.to_thread(fill, path)
    with closing(sqlite3.connect(path)) as connection:
        for each in (after(0), after(skipped)):
            params = query | {"limit": str(PAGE - 1), "cursor": encode_cursor(each)}
            read = await query_of(closed_database, partial(client.get, URL, params=params), monkeypatch)
            statement, values = read[0], [str(value) if isinstance(value, UUID) else value for value in read[1]]
            [(*_, plan)] = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            assert plan == f"SEARCH {{ cookiecutter.__entities }} USING {index}"
            costs.append(steps(connection, statement, values))
    first, late = costs
    assert late <= 1.5 * first


def fill(path: str) -> None:
    """Write the rows, which are committed at once. The service, in another thread, writes too and has to go on."""
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute(FILL)
        connection.execute("ANALYZE")


def steps(connection: sqlite3.Connection, statement: str, values: Sequence[Any]) -> int:
    """How many instructions of SQLite's virtual machine a statement takes, in units of 10."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(step, 10)
    assert len(connection.execute(statement, values).fetchall()) == PAGE
    connection.set_progress_handler(None, 0)
    return count
