"""The check of an aggregate's fields names what storage forgets."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.testing.database import NOW
from chassis.testing.fields import check_fields_are_stored
from tests.sample.domain.parcels import Parcel, Quantity, Reference
from tests.sample.storage.sql import SqlParcels, Statements
from tests.support.parcels import new_parcel

from .test_rows import NUMBERED, to_parcel


def change(parcel: Parcel) -> None:
    """Change everything."""
    parcel.amend(reference=Reference("B-2"), quantity=Quantity(7), at=NOW + timedelta(seconds=1))
    parcel.confirm(at=NOW + timedelta(seconds=2))


async def check(statements: Statements) -> None:
    """Check parcels."""
    await check_fields_are_stored(lambda table: SqlParcels(table, statements), new_parcel(), change)


async def test_complete_statements_pass() -> None:
    await check(NUMBERED)


async def test_names_the_field_that_insert_forgets() -> None:
    forgetful = replace(NUMBERED, insert=NUMBERED.insert.replace("quantity", "another"))
    with pytest.raises(AssertionError, match=r"Parcel\.quantity is None .* in INSERT or SELECT"):
        await check(forgetful)


async def test_names_the_field_that_update_forgets() -> None:
    forgetful = replace(NUMBERED, update=NUMBERED.update.replace("reference =", "another ="))
    with pytest.raises(AssertionError, match=r"Parcel\.reference is .*A-1001.* in UPDATE"):
        await check(forgetful)


async def test_names_the_field_that_the_mapping_forgets() -> None:
    forgetful = replace(NUMBERED, to_parcel=lambda row: replace(to_parcel(row), quantity=Quantity(1)))
    with pytest.raises(AssertionError, match=r"Parcel\.quantity .* in the mapping of a row"):
        await check(forgetful)


async def test_names_the_field_that_the_test_forgets_to_change() -> None:
    with pytest.raises(AssertionError, match=r"Parcel\.quantity is not changed by `change`"):
        await check_fields_are_stored(
            lambda table: SqlParcels(table, NUMBERED),
            new_parcel(),
            lambda parcel: parcel.amend(reference=Reference("B-2"), at=NOW + timedelta(seconds=1)),
        )


async def test_names_the_column_that_insert_forgets_where_the_mapping_refuses_it() -> None:
    forgetful = replace(
        NUMBERED,
        insert=NUMBERED.insert.replace("quantity", "another"),
        to_parcel=lambda row: replace(to_parcel(row), quantity=Quantity(row[2])),
    )
    with pytest.raises(AssertionError, match="SELECT reads quantity: add what is missing to INSERT"):
        await check(forgetful)


async def test_names_of_tables_and_columns_may_be_quoted() -> None:
    quoted = replace(
        NUMBERED,
        insert=NUMBERED.insert.replace("parcels", "`parcels`").replace("status", '"status"'),
        update=NUMBERED.update.replace("parcels", "`parcels`"),
    )
    await check(quoted)
