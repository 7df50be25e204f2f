"""Tells observers what was committed, after it was committed."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from ...domain.events import {{ cookiecutter.__Entity }}Event
from ...domain.ports import Transactions, UnitOfWork

Observer = Callable[[Sequence[{{ cookiecutter.__Entity }}Event]], None]


class ObservedTransactions:
    """Transactions whose events reach observers. An observer must not raise: the change stands already."""

    def __init__(self, transactions: Transactions, *observers: Observer) -> None:
        self._transactions = transactions
        self._observers = observers

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        """A transaction of the wrapped ones."""
        async with self._transactions.begin() as work:
            yield work
        if work.events:
            for observe in self._observers:
                observe(work.events)
