"""Outbox, inbox and history on SQLite."""

from pathlib import Path

from ....database.revisions import Branch
from .storage import SqliteMessageStorage

MIGRATIONS = Branch(
    "chassis_messaging", Path(__file__).with_name("migrations"), frozenset({"outbox", "inbox", "history"})
)

__all__ = ["MIGRATIONS", "SqliteMessageStorage"]
