"""Lists stay fast: every page comes from an index, and a late page costs what the first one costs."""

from functools import partial
from typing import Any
from uuid import UUID

import httpx2
import psycopg
import pytest
from chassis.database import Database
from chassis.http.paging import encode_cursor
from chassis.testing.queries import query_of

from tests.support.api import URL

ROWS = 200_000
STRADDLED = 4  # blocks that a page may read more, where it crosses from one leaf or heap page to the next
PAGE = 50
RARE = 1_000  # one in so many rows has the status `created`
FILL = f"""
INSERT INTO {{ cookiecutter.__entities }} (id, reference, quantity, status, version, created_at, updated_at)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       'A-' || n, 1, CASE WHEN n % {RARE} = 0 THEN 'created' WHEN n % 2 = 0 THEN 'confirmed' ELSE 'cancelled' END,
       1, now(), now()
FROM generate_series(1, {ROWS}) AS n
"""  # noqa: S608
TYPES = {int: "int", str: "text"}


def after(skipped: int) -> UUID:
    """The id that so many rows precede."""
    return UUID(int=UUID("01900000-0000-7000-8000-000000000000").int + ROWS + 1 - skipped)


@pytest.mark.parametrize(
    ("query", "index", "skipped"),
    [
        ({}, "{{ cookiecutter.__entities }}_pkey", 999 * PAGE),
        ({"status": "created"}, "{{ cookiecutter.__entities }}_by_status", 2 * PAGE * RARE),
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
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(FILL.encode())
        connection.execute(b"VACUUM ANALYZE {{ cookiecutter.__entities }}")
        pages = []
        for each in (after(0), after(skipped)):
            params = query | {"limit": str(PAGE - 1), "cursor": encode_cursor(each)}
            read = await query_of(closed_database, partial(client.get, URL, params=params), monkeypatch)
            pages.append(plan(connection, *read))
    for page in pages:
        [scan] = page["Plans"]
        assert (page["Node Type"], page["Actual Rows"]) == ("Limit", PAGE)
        assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index)
        assert scan.get("Rows Removed by Filter", 0) == 0
    first, late = (page["Shared Hit Blocks"] + page["Shared Read Blocks"] for page in pages)
    assert late <= first + STRADDLED


def plan(connection: psycopg.Connection, statement: str, values: Any) -> dict[str, Any]:
    """How PostgreSQL reads a page: with a plan for any values, as prepared statements get."""
    types = ", ".join(TYPES.get(type(value), "uuid") for value in values)
    literals = ", ".join(f"'{value}'" for value in values)
    connection.execute(b"SET plan_cache_mode = force_generic_plan")
    connection.execute(f"PREPARE page ({types}) AS {statement}".encode())
    row = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE page ({literals})".encode()).fetchone()
    connection.execute(b"DEALLOCATE page")
    assert row is not None
    found: dict[str, Any] = row[0][0]["Plan"]
    return found
