"""Outbox, inbox and history on PostgreSQL."""

from pathlib import Path

from ....database.revisions import Branch
from .history import PostgresHistory
from .inbox import PostgresInbox
from .outbox import PostgresOutbox
from .storage import PostgresMessageStorage

MIGRATIONS = Branch(
    "chassis_messaging",
    Path(__file__).parent / "migrations",
    frozenset({"outbox_lanes", "outbox", "inbox", "history"}),
)

__all__ = ["MIGRATIONS", "PostgresHistory", "PostgresInbox", "PostgresMessageStorage", "PostgresOutbox"]
