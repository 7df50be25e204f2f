"""A field that a statement forgets is noticed without a server."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.database.port import Row, SqlDatabase
from chassis.testing.database import NOW
from chassis.testing.rows import RecordedTable, UnknownStatement
from tests.sample.domain.parcels import Parcel, Quantity, Reference, Status
from tests.sample.storage.sql import SqlParcels, Statements
from tests.support.parcels import new_parcel

COLUMNS = "id, reference, quantity, status, version, created_at, updated_at"


def to_parcel(row: Row) -> Parcel:
    """Map a row; a value that was not stored is None."""
    return Parcel(
        id=row[0],
        reference=Reference(row[1]),
        quantity=row[2] and Quantity(row[2]),
        status=row[3] and Status(row[3]),
        version=row[4],
        created_at=row[5],
        updated_at=row[6],
    )


NUMBERED = Statements(
    insert=f"INSERT INTO parcels ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)",  # noqa: S608
    select=f"SELECT {COLUMNS} FROM parcels WHERE id = $1",  # noqa: S608
    select_for_update=f"SELECT {COLUMNS} FROM parcels WHERE id = $1 FOR NO KEY UPDATE",  # noqa: S608
    update="""
    UPDATE parcels SET reference = $1, quantity = $2, status = $3, version = $4, updated_at = $5
    WHERE id = $6 AND version = $7
    """,
    page="",
    page_by_status="",
    insert_label="",
    to_parcel=to_parcel,
)
MARKED = replace(
    NUMBERED,
    insert=f"INSERT INTO parcels ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
    select=f"SELECT {COLUMNS} FROM parcels WHERE id = ?",  # noqa: S608
    select_for_update=f"SELECT {COLUMNS} FROM parcels WHERE id = ? FOR UPDATE",  # noqa: S608
    update="UPDATE parcels SET reference=?, quantity=?, status=?, version=?, updated_at=? WHERE id=? AND version=?",
)
STATEMENTS = pytest.mark.parametrize("statements", [NUMBERED, MARKED], ids=["numbered", "marked"])


async def stored_and_read(database: SqlDatabase, statements: Statements) -> list[tuple[Parcel, Parcel]]:
    """What was stored and what was read, after a creation and after a change."""
    store, parcel = SqlParcels(database, statements), new_parcel()
    async with database.begin() as transaction:
        await store.within(transaction).add(parcel)
        read = await store.within(transaction).get(parcel.id)
        changed = replace(parcel)
        changed.amend(reference=Reference("B-2"), quantity=Quantity(7), at=NOW + timedelta(seconds=1))
        changed.confirm(at=NOW + timedelta(seconds=2))
        await store.within(transaction).save(changed)
    return [(parcel, read), (changed, await store.find(parcel.id))]


@STATEMENTS
async def test_complete_statements_show_no_difference(statements: Statements) -> None:
    table = RecordedTable()
    for stored, read in await stored_and_read(table, statements):
        assert stored == read
    assert [event.action for event in table.events] == ["created", "amended", "confirmed"]


@pytest.mark.parametrize(
    "forget",
    [
        lambda given: replace(
            given,
            insert="INSERT INTO parcels (id, reference, status, version, created_at, updated_at) "
            "VALUES ($1, $2, $4, $5, $6, $7)",
        ),
        lambda given: replace(given, update=given.update.replace("quantity = $2, ", "")),
        lambda given: replace(
            given,
            insert=given.insert.replace("$3", "NULL"),
        ),
    ],
    ids=["insert", "update", "constant"],
)
async def test_a_value_without_a_column_is_an_error(forget: Callable[[Statements], Statements]) -> None:
    with pytest.raises(UnknownStatement):
        await stored_and_read(RecordedTable(), forget(NUMBERED))


async def test_a_column_that_update_forgets_is_a_difference() -> None:
    forgetful = replace(NUMBERED, update=NUMBERED.update.replace("reference = $1", "reference_typo = $1"))
    (stored, read), (changed, read_again) = await stored_and_read(RecordedTable(), forgetful)
    assert stored == read
    assert changed != read_again


async def test_a_column_that_insert_forgets_is_a_difference() -> None:
    forgetful = replace(NUMBERED, insert=NUMBERED.insert.replace("quantity", "quantity_typo"))
    (stored, read), _ = await stored_and_read(RecordedTable(), forgetful)
    assert stored != read


@pytest.mark.parametrize("statement", ["DELETE FROM parcels", "SELECT count(*) FROM parcels WHERE id = $1"])
async def test_refuses_what_it_does_not_understand(statement: str) -> None:
    values = [1] if "$1" in statement else []
    with pytest.raises(UnknownStatement):
        await RecordedTable().execute(statement, *values)
    with pytest.raises(UnknownStatement):
        await RecordedTable().fetch(statement, *values)
