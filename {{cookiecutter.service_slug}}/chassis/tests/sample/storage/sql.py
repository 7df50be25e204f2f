"""Parcels on a database that speaks SQL; the statements of each database are in its own folder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.database.port import Row, SqlDatabase, SqlTransaction, sql
from chassis.domain import NotFound, Transaction, VersionConflict
from tests.sample.domain.labels import Label
from tests.sample.domain.parcels import Parcel, Status

AFTER_EVERYTHING = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """SQL for one table, and how its rows become aggregates."""

    insert: str
    select: str
    select_for_update: str
    select_version: str
    update: str
    page: str
    page_by_status: str
    insert_label: str
    to_parcel: Callable[[Row], Parcel]


class SqlParcels:
    """Reads parcels, and binds a repository to a transaction."""

    def __init__(self, database: SqlDatabase, statements: Statements) -> None:
        self._database = database
        self._statements = statements

    def within(self, transaction: Transaction) -> "SqlParcelRepository":
        """The parcels within a transaction of this database."""
        return SqlParcelRepository(sql(transaction), self._statements)

    async def find(self, id: UUID) -> Parcel:
        """Read one. Raises NotFound."""
        rows = await self._database.fetch(self._statements.select, id)
        if not rows:
            raise NotFound(Parcel.noun, id)
        return self._statements.to_parcel(rows[0])

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Sequence[Parcel]:
        """The newest first, those after a given id."""
        bounds = (after or AFTER_EVERYTHING, limit)
        if status is None:
            rows = await self._database.fetch(self._statements.page, *bounds)
        else:
            rows = await self._database.fetch(self._statements.page_by_status, status.value, *bounds)
        return [self._statements.to_parcel(row) for row in rows]


class SqlParcelRepository:
    """The parcels within one transaction."""

    def __init__(self, transaction: SqlTransaction, statements: Statements) -> None:
        self._transaction = transaction
        self._statements = statements

    async def add(self, new: Parcel) -> None:
        """Insert a row."""
        await self._transaction.execute(
            self._statements.insert,
            new.id,
            new.reference.value,
            new.quantity.value,
            new.status.value,
            new.version,
            new.created_at,
            new.updated_at,
        )
        self._transaction.collect(new)

    async def get(self, id: UUID) -> Parcel:
        """Read a row and lock it until the transaction ends."""
        rows = await self._transaction.fetch(self._statements.select_for_update, id)
        if not rows:
            raise NotFound(Parcel.noun, id)
        return self._statements.to_parcel(rows[0])

    async def save(self, changed: Parcel) -> None:
        """Update the row if it still has the version that was read."""
        updated = await self._transaction.execute(
            self._statements.update,
            changed.reference.value,
            changed.quantity.value,
            changed.status.value,
            changed.version,
            changed.updated_at,
            changed.id,
            changed.stored_version,
        )
        if not updated:
            rows = await self._transaction.fetch(self._statements.select_version, changed.id)
            raise VersionConflict(Parcel.noun, rows[0][0] if rows else 0)
        self._transaction.collect(changed)


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
