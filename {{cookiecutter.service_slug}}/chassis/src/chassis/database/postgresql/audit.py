"""The audit log, on the connection of a transaction."""

from collections.abc import Sequence

from ...audit.entry import AuditEntry
from ..audit import insert, to_row
from .connection import Connection


def placeholder(number: int) -> str:
    """The nth value of a statement."""
    return f"${number}"


INSERT = insert(placeholder)

# In bounded steps, so that no long transaction holds up vacuum.
DELETE_OLD = """
DELETE FROM audit_entries
WHERE id IN (SELECT id FROM audit_entries WHERE recorded_at < $1 ORDER BY recorded_at LIMIT 1000)
"""


class PostgresAuditLog:
    """Takes part in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Insert a row for each; usually there is one."""
        for entry in entries:
            await self._connection.execute(INSERT, *to_row(entry))
