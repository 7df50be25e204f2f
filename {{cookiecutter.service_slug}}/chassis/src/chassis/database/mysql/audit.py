"""The audit log, within a transaction on MySQL."""

from collections.abc import Sequence

from ...audit.entry import AuditEntry
from ..audit import insert, to_row
from .connection import Connection


def placeholder(_: int) -> str:
    """Any value of a statement."""
    return "?"


INSERT = insert(placeholder)

# A bounded share at a time, so that no long transaction keeps old versions of rows alive.
DELETE_OLD = "DELETE FROM audit_entries WHERE recorded_at < ? ORDER BY recorded_at LIMIT 1000"


class MysqlAuditLog:
    """Takes part in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Insert a row for each; usually there is one."""
        for entry in entries:
            await self._connection.execute(INSERT, *to_row(entry))
