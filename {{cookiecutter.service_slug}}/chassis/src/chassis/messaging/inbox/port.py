"""Inbox: which messages have had their effect, recorded in the transaction of that effect (idempotent consumer)."""

from datetime import datetime
from typing import Protocol

from ...database.port import DatabaseTransaction


class Inbox(Protocol):
    """The inbox of a database."""

    async def mark_processed(
        self, transaction: DatabaseTransaction, consumer: str, message_id: str, at: datetime
    ) -> bool:
        """Record that a consumer processes a message; False if it has done so before.

        While another transaction processes the same message, waits for its end or raises Interrupted.
        """
        ...

    async def purge(self, before: datetime) -> int:
        """Delete records from before a time; returns how many."""
        ...
