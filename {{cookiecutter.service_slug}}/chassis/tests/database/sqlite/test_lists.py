"""Lists stay fast: at a million rows every page comes from an index, without sorting."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import copyfile

import pytest

from tests.sample.storage.sqlite import STATEMENTS

ROWS = 1_000_000
RARE = 1_000  # one of so many rows has the status `created`
FILL = f"""
WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS})
INSERT INTO parcels
SELECT printf('01900000-0000-7000-8000-%012x', n), 'A-' || n, 1,
       CASE WHEN n % {RARE} = 0 THEN 'created' WHEN n % 2 = 0 THEN 'confirmed' ELSE 'cancelled' END,
       1, '2026-01-31', '2026-01-31'
FROM numbers
"""  # noqa: S608
AFTER = "01900000-0000-7000-8000-000000030000"  # most rows come before
FIRST = "ffffffff-ffff-ffff-ffff-ffffffffffff"


@pytest.fixture(scope="module")
def connection(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A database with a million rows."""
    path = copyfile(template, tmp_path_factory.mktemp("lists") / "database.sqlite3")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(FILL)
        connection.execute("ANALYZE")
        yield connection


def steps(connection: sqlite3.Connection, statement: str, *arguments: object) -> int:
    """How many instructions of SQLite's virtual machine a statement takes, in units of 10."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(step, 10)
    assert len(connection.execute(statement, arguments).fetchall()) == 50
    connection.set_progress_handler(None, 0)
    return count


@pytest.mark.parametrize(
    ("statement", "status", "index"),
    [
        (STATEMENTS.page, [], "sqlite_autoindex_parcels_1 (id<?)"),
        (STATEMENTS.page_by_status, ["created"], "parcels_by_status (status=? AND id<?)"),
    ],
)
def test_every_page_comes_from_an_index_at_the_same_cost(
    connection: sqlite3.Connection, statement: str, status: list[str], index: str
) -> None:
    [(*_, plan)] = connection.execute(f"EXPLAIN QUERY PLAN {statement}", (*status, AFTER, 50)).fetchall()
    assert plan == f"SEARCH parcels USING INDEX {index}"
    first = steps(connection, statement, *status, FIRST, 50)
    late = steps(connection, statement, *status, AFTER, 50)
    assert late <= 1.5 * first
