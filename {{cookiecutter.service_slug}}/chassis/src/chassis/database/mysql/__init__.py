"""MySQL and MariaDB through asyncmy."""

from pathlib import Path

from ..revisions import Branch
from .database import MysqlDatabase
from .settings import DatabaseSettings
from .transaction import MysqlTransaction
from .values import to_time, to_uuid

MIGRATIONS = Branch(
    "chassis_database", Path(__file__).with_name("migrations"), frozenset({"audit_entries", "idempotency_keys"})
)

__all__ = ["MIGRATIONS", "DatabaseSettings", "MysqlDatabase", "MysqlTransaction", "to_time", "to_uuid"]
