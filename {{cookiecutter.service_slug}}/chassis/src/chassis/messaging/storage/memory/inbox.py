"""The inbox in memory."""

from datetime import datetime

from ....database.port import DatabaseTransaction
from ....errors import Interrupted
from .transaction import in_memory


class MemoryInbox:
    """A dictionary; changes take effect when their transaction commits."""

    def __init__(self) -> None:
        self._processed: dict[tuple[str, str], datetime] = {}

    async def mark_processed(
        self, transaction: DatabaseTransaction, consumer: str, message_id: str, at: datetime
    ) -> bool:
        """Hold the message until the transaction ends."""
        own = in_memory(transaction)
        if not own.hold(f"inbox {consumer} {message_id}"):
            raise Interrupted("database", "another transaction processes this message")
        if (consumer, message_id) in self._processed:
            return False
        own.at_commit(lambda: self._processed.update({(consumer, message_id): at}))
        return True

    async def purge(self, before: datetime) -> int:
        """Delete old records."""
        old = [key for key, at in self._processed.items() if at < before]
        for key in old:
            del self._processed[key]
        return len(old)
