"""Enqueues recorded events in the transaction that stores the aggregates: both are stored, or neither is."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ...database.port import DatabaseTransaction, TransactionRunner
from ...domain import DomainEvent
from ..port import Message
from .port import Outbox

T = TypeVar("T")
# Such as an EventSerializer.
Serializer = Callable[[DomainEvent], list[Message]]


class OutboxTransactions:
    """Runs transactions whose events will be published, even if the process ends right after the commit."""

    def __init__(self, transactions: TransactionRunner, outbox: Outbox, serializer: Serializer) -> None:
        """Wrap a transaction runner.

        Args:
            transactions: runs and commits the steps.
            outbox: of the same database.
            serializer: turns an event into messages.
        """
        self._transactions = transactions
        self._outbox = outbox
        self._serializer = serializer

    async def run(self, step: Callable[[DatabaseTransaction], Awaitable[T]]) -> T:
        """Run a step in a transaction, enqueue its events, and commit."""

        async def enqueueing(transaction: DatabaseTransaction) -> T:
            result = await step(transaction)
            if messages := [message for event in transaction.events for message in self._serializer(event)]:
                await self._outbox.enqueue(transaction, messages)
            return result

        return await self._transactions.run(enqueueing)
