"""Lists stay fast: at a million rows every page comes from an index, and a late page costs what the first one costs."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from chassis.testing.postgresql import fresh_database
from tests.sample.storage.postgresql import STATEMENTS

ROWS = 1_000_000
STRADDLED = 4  # blocks that a page may touch more, where it crosses from one leaf or heap page to the next
PAGE = 50
RARE = 1_000  # one of so many rows has the status `created`
FILL = f"""
INSERT INTO parcels
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       'A-' || n, 1, CASE WHEN n % {RARE} = 0 THEN 'created' WHEN n % 2 = 0 THEN 'confirmed' ELSE 'cancelled' END,
       1, now(), now()
FROM generate_series(1, {ROWS}) AS n
"""  # noqa: S608


@pytest.fixture(scope="module")
def connection(server_url: str, template: str) -> Iterator[psycopg.Connection]:
    """A database with a million rows, and the two statements prepared as the adapter prepares them."""
    with fresh_database(server_url, template) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL.encode())
        connection.execute(b"VACUUM ANALYZE")
        connection.execute(f"PREPARE page (uuid, int) AS {STATEMENTS.page}".encode())
        connection.execute(f"PREPARE page_by_status (text, uuid, int) AS {STATEMENTS.page_by_status}".encode())
        connection.execute(b"SET plan_cache_mode = force_generic_plan")
        yield connection


def read(connection: psycopg.Connection, statement: str, skipped: int) -> dict[str, Any]:
    """How PostgreSQL reads a page after so many rows, and how many blocks that touches."""
    after = UUID(int=UUID("01900000-0000-7000-8000-000000000000").int + ROWS + 1 - skipped)
    explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE " + statement.replace("AFTER", str(after))
    row = connection.execute(explain.encode()).fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


@pytest.mark.parametrize(
    ("statement", "index", "skipped"),
    [
        (
            f"page('AFTER', {PAGE})",
            "parcels_pkey",
            999 * PAGE,
        ),
        (
            f"page_by_status('created', 'AFTER', {PAGE})",
            "parcels_by_status",
            15 * PAGE * RARE,
        ),
    ],
)
def test_every_page_comes_from_an_index_at_the_same_cost(
    connection: psycopg.Connection,
    statement: str,
    index: str,
    skipped: int,
) -> None:
    first, late = read(connection, statement, 0), read(connection, statement, skipped)
    for page in (first, late):
        [scan] = page["Plans"]
        assert (page["Node Type"], page["Actual Rows"]) == ("Limit", PAGE)
        assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index)
        assert scan.get("Rows Removed by Filter", 0) == 0
    assert blocks(late) <= blocks(first) + STRADDLED


def blocks(plan: dict[str, Any]) -> int:
    """How much a statement read, from memory or disk."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
