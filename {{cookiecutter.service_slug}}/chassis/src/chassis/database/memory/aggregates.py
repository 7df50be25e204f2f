"""A repository in memory, for any aggregate."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from heapq import nlargest
from typing import Any, Generic, TypeVar
from uuid import UUID

from ...domain import Aggregate, NotFound, Transaction
from .database import MemoryDatabase
from .transaction import MemoryTransaction

A = TypeVar("A", bound=Aggregate[Any])


class MemoryAggregates(Generic[A]):
    """The stored aggregates of one kind; callers get copies, so that they cannot change what is stored.

    A subclass names the kind: `class MemoryInvoices(MemoryAggregates[Invoice]): aggregate = Invoice`.
    """

    aggregate: type[A]

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def within(self, transaction: Transaction) -> "MemoryRepository[A]":
        """The repository of a running transaction."""
        if not isinstance(transaction, MemoryTransaction):
            raise TypeError("the transaction belongs to another database")
        return MemoryRepository(transaction, self.aggregate)

    async def find(self, id: UUID) -> A:
        """Read one. Raises NotFound."""
        return _find(self._database, self.aggregate, id)

    def all(self) -> list[A]:
        """Every one, in no particular order."""
        return deepcopy([*self._database.stored(self.aggregate).values()])

    def newest(self, predicate: Callable[[A], bool], after: UUID | None, limit: int) -> list[A]:
        """Those that satisfy a predicate, the newest first.

        Args:
            predicate: must not change its argument.
            after: skip this id and all newer ones.
            limit: how many at most.
        """
        stored = self._database.stored(self.aggregate)
        matching: Iterator[UUID] = (
            id for id, each in stored.items() if (after is None or id < after) and predicate(each)
        )
        return [deepcopy(stored[id]) for id in nlargest(limit, matching)]


class MemoryRepository(Generic[A]):
    """The aggregates of one kind within one transaction."""

    def __init__(self, transaction: MemoryTransaction, kind: type[A]) -> None:
        self._transaction = transaction
        self._kind = kind

    async def add(self, new: A) -> None:
        """Store a new aggregate."""
        self._transaction.change(self._kind, new)

    async def get(self, id: UUID) -> A:
        """Load one to change it. Raises NotFound."""
        changed = self._transaction.changed(self._kind, id)
        if isinstance(changed, self._kind):
            return deepcopy(changed)
        return _find(self._transaction.database, self._kind, id)

    async def save(self, changed: A) -> None:
        """Store a changed one; the transaction raises VersionConflict at its end if another was faster."""
        self._transaction.change(self._kind, changed)


def _find(database: MemoryDatabase, kind: type[A], id: UUID) -> A:
    stored: A | None = database.stored(kind).get(id)
    if stored is None:
        raise NotFound(kind.noun, id)
    return deepcopy(stored)
