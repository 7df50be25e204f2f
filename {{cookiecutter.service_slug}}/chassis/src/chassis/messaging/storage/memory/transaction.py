"""The transaction that changes take part in."""

from ....database.memory import MemoryTransaction
from ....database.port import DatabaseTransaction


def in_memory(transaction: DatabaseTransaction) -> MemoryTransaction:
    """The same transaction. Raises TypeError if it belongs to another kind of database."""
    if not isinstance(transaction, MemoryTransaction):
        raise TypeError("a transaction of another database")
    return transaction
