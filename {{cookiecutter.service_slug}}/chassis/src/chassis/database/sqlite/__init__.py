"""SQLite through aiosqlite: one file, which exactly one replica may use."""

from pathlib import Path

from ..revisions import Branch
from .database import SqliteDatabase
from .settings import DatabaseSettings
from .transaction import SqliteTransaction
from .values import to_time, to_uuid

MIGRATIONS = Branch(
    "chassis_database", Path(__file__).with_name("migrations"), frozenset({"audit_entries", "idempotency_keys"})
)

__all__ = ["MIGRATIONS", "DatabaseSettings", "SqliteDatabase", "SqliteTransaction", "to_time", "to_uuid"]
