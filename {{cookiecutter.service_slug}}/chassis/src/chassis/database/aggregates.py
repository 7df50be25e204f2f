"""A repository on a database that speaks SQL, for any aggregate: a service writes the statements and maps the rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from ..domain import Aggregate, NotFound, Transaction, VersionConflict
from .port import Row, SqlDatabase, SqlTransaction, sql

A = TypeVar("A", bound=Aggregate[Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlStatements(Generic[A]):
    """How aggregates of one kind are stored: everything that a new field needs stands together.

    Args:
        insert: stores a new row, from the values of `to_row`.
        select: reads a row by its id.
        select_for_update: the same, and locks the row until the transaction ends.
        update: changes a row if it has the version that was read, from the values of `to_update`.
        to_row: the values of `insert`, in the order of its placeholders.
        to_update: the values of `update`; its condition needs `id` and `stored_version`.
        to_aggregate: maps a row that was read.
    """

    insert: str
    select: str
    select_for_update: str
    update: str
    to_row: Callable[[A], Sequence[Any]]
    to_update: Callable[[A], Sequence[Any]]
    to_aggregate: Callable[[Row], A]


class SqlAggregates(Generic[A]):
    """The stored aggregates of one kind.

    A subclass names the kind and its statements, and adds queries of its own:

        class SqlInvoices(SqlAggregates[Invoice]):
            aggregate = Invoice
            statements = INVOICES
    """

    aggregate: type[A]
    statements: SqlStatements[A]

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def within(self, transaction: Transaction) -> "SqlRepository[A]":
        """The repository of a running transaction of this database."""
        return SqlRepository(sql(transaction), self.aggregate, self.statements)

    async def find(self, id: UUID) -> A:
        """Read one. Raises NotFound."""
        found = await self.fetch(self.statements.select, id)
        if not found:
            raise NotFound(self.aggregate.noun, id)
        return found[0]

    async def fetch(self, query: str, *values: Any) -> list[A]:
        """Read all that a query finds, outside a transaction; it names the same columns as `select`."""
        return [self.statements.to_aggregate(row) for row in await self.rows(query, *values)]

    async def rows(self, query: str, *values: Any) -> Sequence[Row]:
        """The rows of a query, outside a transaction, for what is not an aggregate: counts, sums."""
        return await self._database.fetch(query, *values)


class SqlRepository(Generic[A]):
    """The rows within one transaction."""

    def __init__(self, transaction: SqlTransaction, kind: type[A], statements: SqlStatements[A]) -> None:
        self._transaction = transaction
        self._kind = kind
        self._statements = statements

    async def add(self, new: A) -> None:
        """Insert a row."""
        await self._transaction.execute(self._statements.insert, *self._statements.to_row(new))
        self._transaction.collect(new)

    async def get(self, id: UUID) -> A:
        """Read a row and lock it until the transaction ends. Raises NotFound."""
        rows = await self._transaction.fetch(self._statements.select_for_update, id)
        if not rows:
            raise NotFound(self._kind.noun, id)
        return self._statements.to_aggregate(rows[0])

    async def save(self, changed: A) -> None:
        """Update the row if it still has the version that was read. Raises VersionConflict."""
        updated = await self._transaction.execute(self._statements.update, *self._statements.to_update(changed))
        if not updated:
            rows = await self._transaction.fetch(self._statements.select, changed.id)
            current = self._statements.to_aggregate(rows[0]).version if rows else 0
            raise VersionConflict(self._kind.noun, current)
        self._transaction.collect(changed)
