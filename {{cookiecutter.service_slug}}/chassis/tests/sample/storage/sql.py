"""Parcels on a database that speaks SQL; the statements of each database are in its own folder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.database.aggregates import SqlAggregates, SqlStatements
from chassis.database.port import Row, SqlDatabase, SqlTransaction, sql
from chassis.domain import Transaction
from tests.sample.domain.labels import Label
from tests.sample.domain.parcels import Parcel, Status

AFTER_EVERYTHING = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """SQL for one table, and how its rows become aggregates."""

    insert: str
    select: str
    select_for_update: str
    update: str
    page: str
    page_by_status: str
    insert_label: str
    to_parcel: Callable[[Row], Parcel]


class SqlParcels(SqlAggregates[Parcel]):
    """Parcels on a database."""

    aggregate = Parcel

    def __init__(self, database: SqlDatabase, statements: Statements) -> None:
        super().__init__(database)
        self._statements = statements
        self.statements = SqlStatements(
            insert=statements.insert,
            select=statements.select,
            select_for_update=statements.select_for_update,
            update=statements.update,
            to_row=to_row,
            to_update=to_update,
            to_aggregate=statements.to_parcel,
        )

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Sequence[Parcel]:
        """The newest first, those after a given id."""
        bounds = (after or AFTER_EVERYTHING, limit)
        if status is None:
            return await self.fetch(self._statements.page, *bounds)
        return await self.fetch(self._statements.page_by_status, status.value, *bounds)


def to_row(new: Parcel) -> Sequence[Any]:
    """The values of INSERT."""
    return (
        new.id,
        new.reference.value,
        new.quantity.value,
        new.status.value,
        new.version,
        new.created_at,
        new.updated_at,
    )


def to_update(changed: Parcel) -> Sequence[Any]:
    """The values of UPDATE."""
    return (
        changed.reference.value,
        changed.quantity.value,
        changed.status.value,
        changed.version,
        changed.updated_at,
        changed.id,
        changed.stored_version,
    )


class SqlLabels:
    """Binds a repository to a transaction."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def within(self, transaction: Transaction) -> "SqlLabelRepository":
        """The labels within a transaction."""
        return SqlLabelRepository(sql(transaction), self._statements)


class SqlLabelRepository:
    """The labels within one transaction; they are only ever added."""

    def __init__(self, transaction: SqlTransaction, statements: Statements) -> None:
        self._transaction = transaction
        self._statements = statements

    async def add(self, new: Label) -> None:
        """Insert a row."""
        await self._transaction.execute(self._statements.insert_label, new.id, new.text, new.version, new.created_at)
        self._transaction.collect(new)
