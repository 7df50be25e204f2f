"""The transaction that changes take part in."""

from ....database.port import DatabaseTransaction
from ....database.postgresql import PostgresTransaction


def on_postgresql(transaction: DatabaseTransaction) -> PostgresTransaction:
    """The same transaction. Raises TypeError if it belongs to another kind of database."""
    if not isinstance(transaction, PostgresTransaction):
        raise TypeError("a transaction of another database")
    return transaction
