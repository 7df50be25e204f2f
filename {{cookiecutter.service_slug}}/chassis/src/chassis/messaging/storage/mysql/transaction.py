"""The transaction that changes take part in."""

from ....database.mysql import MysqlTransaction
from ....database.port import DatabaseTransaction


def on_mysql(transaction: DatabaseTransaction) -> MysqlTransaction:
    """The same transaction. Raises TypeError if it belongs to another kind of database."""
    if not isinstance(transaction, MysqlTransaction):
        raise TypeError("a transaction of another database")
    return transaction
