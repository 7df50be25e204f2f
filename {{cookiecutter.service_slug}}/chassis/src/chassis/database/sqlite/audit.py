"""The audit log, within a transaction on SQLite."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...audit.entry import AuditEntry
from ..audit import insert, to_row

if TYPE_CHECKING:
    from .transaction import SqliteTransaction


def placeholder(_: int) -> str:
    """Any value of a statement."""
    return "?"


INSERT = insert(placeholder)

# A bounded share at a time, because all other writers wait meanwhile.
DELETE_OLD = """
DELETE FROM audit_entries
WHERE id IN (SELECT id FROM audit_entries WHERE recorded_at < ? ORDER BY recorded_at LIMIT 1000)
"""


class SqliteAuditLog:
    """Takes part in a transaction."""

    def __init__(self, transaction: "SqliteTransaction") -> None:
        self._transaction = transaction

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Insert a row for each; usually there is one."""
        for entry in entries:
            await self._transaction.execute(INSERT, *to_row(entry))
