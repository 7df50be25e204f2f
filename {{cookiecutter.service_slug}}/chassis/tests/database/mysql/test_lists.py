"""Lists stay fast: at a million rows every page comes from an index, and a late page costs what the first one costs."""

from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import Connection

from chassis.database.mysql.engine import MigrationTarget
from chassis.testing.mysql import fresh_database
from tests.database.mysql.servers import settings_of
from tests.sample.storage.mysql import STATEMENTS

ROWS = 1_000_000
PAGE = 50
RARE = 1_000  # one of so many rows has the status `created`
DIGITS = " UNION ALL ".join(f"SELECT {digit} AS digit" for digit in range(10))
FILL = f"""
INSERT INTO parcels
SELECT UNHEX(CONCAT('01900000000070008000', LPAD(HEX(n), 12, '0'))),
       CONCAT('A-', n), 1,
       CASE WHEN n % {RARE} = 0 THEN 'created' WHEN n % 2 = 0 THEN 'confirmed' ELSE 'cancelled' END,
       1, NOW(6), NOW(6)
FROM (
    SELECT 1 + a.digit + 10 * (b.digit + 10 * (c.digit + 10 * (d.digit + 10 * (e.digit + 10 * f.digit)))) AS n
    FROM ({DIGITS}) AS a, ({DIGITS}) AS b, ({DIGITS}) AS c, ({DIGITS}) AS d, ({DIGITS}) AS e, ({DIGITS}) AS f
    ORDER BY n
) AS numbers
"""  # noqa: S608


@pytest.fixture(scope="module")
def connection(server_url: str, tables: Sequence[str]) -> Iterator[Connection]:
    """A database with a million rows."""
    with (
        fresh_database(server_url, tables) as url,
        MigrationTarget(settings_of(url)).engine().connect() as connection,
    ):
        connection.exec_driver_sql(FILL.replace("%", "%%"), ())
        connection.commit()
        connection.exec_driver_sql("ANALYZE TABLE parcels")
        yield connection


def literal(statement: str, *values: str) -> str:
    """A statement with its values written in, which EXPLAIN takes everywhere."""
    for value in values:
        statement = statement.replace("?", value, 1)
    return statement


def after(skipped: int) -> str:
    """The id that so many rows come before."""
    return f"x'01900000000070008000{ROWS + 1 - skipped:012x}'"


def rows_read(connection: Connection, statement: str) -> int:
    """How many rows the storage engine read for a page."""
    connection.exec_driver_sql("FLUSH STATUS")
    assert len(connection.exec_driver_sql(statement).all()) == PAGE
    counters = connection.exec_driver_sql("SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%%'", ()).all()
    return sum(int(value) for _, value in counters)


@pytest.mark.parametrize(
    ("statement", "status", "index", "skipped"),
    [
        (STATEMENTS.page, [], "PRIMARY", 999 * PAGE),
        (STATEMENTS.page_by_status, ["'created'"], "parcels_by_status", 15 * PAGE * RARE),
    ],
    ids=["all", "by status"],
)
def test_every_page_comes_from_an_index_at_the_same_cost(
    connection: Connection, statement: str, status: list[str], index: str, skipped: int
) -> None:
    first = literal(statement, *status, after(0), str(PAGE))
    late = literal(statement, *status, after(skipped), str(PAGE))
    for page in (first, late):
        plan = connection.exec_driver_sql(f"EXPLAIN FORMAT=TRADITIONAL {page}").mappings().one()
        assert plan["key"] == index
        assert "filesort" not in (plan["Extra"] or "")
        assert rows_read(connection, page) <= PAGE + 1
