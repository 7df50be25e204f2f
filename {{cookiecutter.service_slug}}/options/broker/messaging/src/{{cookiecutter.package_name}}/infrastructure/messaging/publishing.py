"""Puts what the aggregates recorded into the outbox, in their own transaction: both are stored, or neither is."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ...domain.ports import Transactions, UnitOfWork
from .envelope import Packer
from .store import MessageStore

T = TypeVar("T")


class PublishingTransactions:
    """Transactions whose events will be published, however the process ends."""

    def __init__(self, transactions: Transactions, store: MessageStore, pack: Packer) -> None:
        self._transactions = transactions
        self._store = store
        self._pack = pack

    async def run(self, step: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Run a step in a transaction."""

        async def publishing(work: UnitOfWork) -> T:
            result = await step(work)
            if messages := [message for event in work.events for message in self._pack(event)]:
                await self._store.within(work).enqueue(messages)
            return result

        return await self._transactions.run(publishing)
