"""Storage: the port that services work with, and an adapter for each database in the folder of its name."""

from .port import Database, DatabaseTransaction, Row, SqlDatabase, SqlTransaction, TransactionRunner, sql
from .retries import Retries
from .revisions import Branch, Revisions
from .transactions import Transactions

__all__ = [
    "Branch",
    "Database",
    "DatabaseTransaction",
    "Retries",
    "Revisions",
    "Row",
    "SqlDatabase",
    "SqlTransaction",
    "TransactionRunner",
    "Transactions",
    "sql",
]
