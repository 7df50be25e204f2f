"""PostgreSQL through asyncpg. Migrations use psycopg, in `engine`, which requests never import."""

from pathlib import Path

from ..revisions import Branch
from .database import PostgresDatabase
from .settings import DatabaseSettings
from .transaction import PostgresTransaction

MIGRATIONS = Branch(
    "chassis_database", Path(__file__).parent / "migrations", frozenset({"audit_entries", "idempotency_keys"})
)

__all__ = ["MIGRATIONS", "DatabaseSettings", "PostgresDatabase", "PostgresTransaction"]
