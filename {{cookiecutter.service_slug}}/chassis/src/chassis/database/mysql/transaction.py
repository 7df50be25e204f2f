"""One transaction on MySQL."""

from collections.abc import Sequence
from typing import Any

from ...domain import Aggregate, DomainEvent
from ..port import Row
from .audit import MysqlAuditLog
from .connection import Connection
from .idempotency import MysqlIdempotencyStore


class MysqlTransaction:
    """Runs statements on the connection of a transaction."""

    def __init__(self, connection: Connection) -> None:
        self.events: list[DomainEvent] = []
        self.idempotency = MysqlIdempotencyStore(connection)
        self.audit = MysqlAuditLog(connection)
        self._connection = connection

    async def execute(self, statement: str, *values: Any) -> int:
        """Run a statement that changes rows; returns how many it matched, also those that hold the values already."""
        return await self._connection.execute(statement, *values)

    async def fetch(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a query; returns all rows."""
        return await self._connection.fetch(statement, *values)

    def collect(self, aggregate: Aggregate[Any]) -> None:
        """Take over the events that a stored aggregate has recorded."""
        self.events += aggregate.take_events()
