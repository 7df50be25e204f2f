"""Outbox, inbox and history on SQLite."""

from pathlib import Path

from ....database.revisions import Branch
from .history import SqliteHistory
from .inbox import SqliteInbox
from .outbox import SqliteOutbox
from .storage import SqliteMessageStorage

MIGRATIONS = Branch(
    "chassis_messaging", Path(__file__).with_name("migrations"), frozenset({"outbox", "inbox", "history"})
)

__all__ = ["MIGRATIONS", "SqliteHistory", "SqliteInbox", "SqliteMessageStorage", "SqliteOutbox"]
