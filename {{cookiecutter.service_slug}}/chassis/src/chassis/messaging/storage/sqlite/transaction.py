"""The transaction that changes take part in."""

from ....database.port import DatabaseTransaction
from ....database.sqlite import SqliteTransaction


def on_sqlite(transaction: DatabaseTransaction) -> SqliteTransaction:
    """The same transaction. Raises TypeError if it belongs to another kind of database."""
    if not isinstance(transaction, SqliteTransaction):
        raise TypeError("a transaction of another database")
    return transaction
