"""Lists stay fast: every page comes from an index, and a late page costs what the first one costs."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
import pytest
from chassis.database import Database
from chassis.http.paging import encode_cursor
from chassis.testing.queries import query_of
from sqlalchemy import Connection, Engine

from tests.support.api import URL

ROWS = 200_000
PAGE = 50
RARE = 1_000  # one in so many rows has the status `created`
DIGITS = " UNION ALL ".join(f"SELECT {digit} AS digit" for digit in range(10))
FILL = f"""
INSERT INTO `{{ cookiecutter.__entities }}` (id, reference, quantity, status, version, created_at, updated_at)
SELECT UNHEX(CONCAT('01900000000070008000', LPAD(HEX(n), 12, '0'))),
       CONCAT('A-', n), 1,
       CASE WHEN n % {RARE} = 0 THEN 'created' WHEN n % 2 = 0 THEN 'confirmed' ELSE 'cancelled' END,
       1, NOW(6), NOW(6)
FROM (
    SELECT 1 + a.digit + 10 * (b.digit + 10 * (c.digit + 10 * (d.digit + 10 * (e.digit + 10 * f.digit)))) AS n
    FROM ({DIGITS}) AS a, ({DIGITS}) AS b, ({DIGITS}) AS c, ({DIGITS}) AS d, ({DIGITS}) AS e, ({DIGITS}) AS f
    HAVING n <= {ROWS}
    ORDER BY n
) AS numbers
"""  # noqa: S608


def after(skipped: int) -> UUID:
    """The id that so many rows precede."""
    return UUID(int=UUID("01900000-0000-7000-8000-000000000000").int + ROWS + 1 - skipped)


@pytest.mark.parametrize(
    ("query", "index", "skipped"),
    [
        ({}, "PRIMARY", 999 * PAGE),
        ({"status": "created"}, "{{ cookiecutter.__entities }}_by_status", 2 * PAGE * RARE),
    ],
)
async def test_every_page_comes_from_an_index_at_the_same_cost(
    client: httpx2.AsyncClient,
    closed_database: Database,
    database_url: str,
    engine: Callable[[str], Engine],
    monkeypatch: pytest.MonkeyPatch,
    query: dict[str, str],
    index: str,
    skipped: int,
) -> None:
    with engine(database_url).connect() as connection:
        connection.exec_driver_sql(FILL.replace("%", "%%"), ())
        connection.commit()
        connection.exec_driver_sql("ANALYZE TABLE `{{ cookiecutter.__entities }}`")
        for each in (after(0), after(skipped)):
            params = query | {"limit": str(PAGE - 1), "cursor": encode_cursor(each)}
            read = await query_of(closed_database, partial(client.get, URL, params=params), monkeypatch)
            page = literal(*read)
            plan = connection.exec_driver_sql(f"EXPLAIN FORMAT=TRADITIONAL {page}").mappings().one()
            assert plan["key"] == index
            assert "filesort" not in (plan["Extra"] or "")
            assert rows_read(connection, page) <= PAGE + 1


def literal(statement: str, values: Sequence[Any]) -> str:
    """A statement with its values written in, which EXPLAIN takes everywhere."""
    for value in values:
        text = f"x'{value.hex}'" if isinstance(value, UUID) else repr(value)
        statement = statement.replace("?", text, 1)
    return statement


def rows_read(connection: Connection, statement: str) -> int:
    """How many rows the storage engine was asked for while a page was read."""
    connection.exec_driver_sql("FLUSH STATUS")
    assert len(connection.exec_driver_sql(statement).all()) == PAGE
    counters = connection.exec_driver_sql("SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%%'", ()).all()
    return sum(int(value) for _, value in counters)
