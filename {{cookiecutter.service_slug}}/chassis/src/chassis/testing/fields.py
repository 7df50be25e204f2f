"""Notices, without a server, a field of an aggregate that its storage forgets."""

from collections.abc import Callable, Collection, Iterator
from copy import deepcopy
from dataclasses import fields
from typing import Any, TypeVar
from uuid import UUID

from ..domain import Aggregate, Store, Transaction
from .rows import RecordedTable

A = TypeVar("A", bound=Aggregate[Any])


async def check_fields_are_stored(
    create: Callable[[RecordedTable], Store[A]],
    new: A,
    change: Callable[[A], None],
    *,
    fixed: Collection[str] = ("id", "created_at"),
    table: RecordedTable | None = None,
) -> None:
    """Add, get, change, save and get an aggregate; raise AssertionError that names each field that was lost.

    Args:
        create: makes the repository's adapter on a database, such as `SqlInvoices`.
        new: a new aggregate.
        change: changes every field that can change, by the aggregate's commands.
        fixed: fields that never change.
        table: with the encoding of the database; by default values are stored as they are.
    """
    database = table or RecordedTable()
    store = create(database)
    changed = deepcopy(new)
    async with database.begin() as transaction:
        await store.within(transaction).add(new)
        after_insert = await _read(store, transaction, new.id, database)
        changed.take_events()
        change(changed)
        await store.within(transaction).save(changed)
    problems = [
        *_lost(new, after_insert, "INSERT or SELECT, or in the mapping of a row"),
        *_lost(changed, await store.find(new.id), "UPDATE"),
        *_untouched(new, changed, fixed),
    ]
    assert not problems, "\n".join(["storage forgets fields:", *(f"- {each}" for each in problems)])


async def _read(store: Store[A], transaction: Transaction, id: UUID, table: RecordedTable) -> A:
    """A value that was not written is None, which many a mapping refuses."""
    try:
        return await store.within(transaction).get(id)
    except Exception as error:
        columns = ", ".join(sorted(table.never_written))
        assert not columns, f"storage forgets columns: SELECT reads {columns}: add what is missing to INSERT"
        raise AssertionError(
            f"a stored row cannot be mapped: {error!r}: INSERT, SELECT and the mapping must name the same columns "
            "in the same order"
        ) from error


def _lost(stored: A, read: A, where: str) -> Iterator[str]:
    for name in _names(stored):
        if (expected := getattr(stored, name)) != (found := getattr(read, name)):
            yield f"{_field(stored, name)} is {found!r} instead of {expected!r}: add its column in {where}"


def _untouched(new: A, changed: A, fixed: Collection[str]) -> Iterator[str]:
    for name in _names(new):
        if name not in fixed and getattr(new, name) == getattr(changed, name):
            yield (
                f"{_field(new, name)} is not changed by `change`, so that a column missing in UPDATE would not be "
                "noticed: change it there, or list it in `fixed`"
            )


def _names(aggregate: Aggregate[Any]) -> Iterator[str]:
    return (each.name for each in fields(aggregate) if each.compare)


def _field(aggregate: Aggregate[Any], name: str) -> str:
    return f"{type(aggregate).__name__}.{name}"
