"""Runs transactions: retried where that is safe, recorded in the audit log, reported to observers once committed."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..audit.entry import AuditEntry
from .port import CommitObserver, Database, DatabaseTransaction
from .retries import Retries

T = TypeVar("T")


class Transactions:
    """The transactions of a database."""

    def __init__(self, database: Database, retries: Retries, *observers: CommitObserver) -> None:
        """Run transactions on a database.

        Args:
            database: where they run.
            retries: run an interrupted step again.
            observers: receive the events of each committed transaction; they must not raise, because the change is
                stored already.
        """
        self._database = database
        self._retries = retries
        self._observers = observers

    async def run(self, step: Callable[[DatabaseTransaction], Awaitable[T]]) -> T:
        """Run a step in a transaction and commit it; nothing is stored if it raises. See `TransactionRunner`."""
        return await self._retries.run(lambda: self._attempt(step))

    async def _attempt(self, step: Callable[[DatabaseTransaction], Awaitable[T]]) -> T:
        async with self._database.begin() as transaction:
            result = await step(transaction)
            entries = [AuditEntry.done(event) for event in transaction.events]
            if entries:
                await transaction.audit.record(entries)
        for entry in entries:
            entry.log()
        if transaction.events:
            for observe in self._observers:
                observe(transaction.events)
        return result
