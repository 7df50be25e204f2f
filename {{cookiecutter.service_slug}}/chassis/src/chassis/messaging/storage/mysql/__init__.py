"""Outbox, inbox and history on MySQL and MariaDB."""

from pathlib import Path

from ....database.revisions import Branch
from .history import MysqlHistory
from .inbox import MysqlInbox
from .outbox import MysqlOutbox
from .storage import MysqlMessageStorage

MIGRATIONS = Branch(
    "chassis_messaging",
    Path(__file__).with_name("migrations"),
    frozenset({"outbox_lanes", "outbox", "inbox", "history"}),
)

__all__ = ["MIGRATIONS", "MysqlHistory", "MysqlInbox", "MysqlMessageStorage", "MysqlOutbox"]
