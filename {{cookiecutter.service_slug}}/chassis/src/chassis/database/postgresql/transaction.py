"""One transaction on PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from ...domain import Aggregate, DomainEvent
from ..port import Row
from .audit import PostgresAuditLog
from .connection import Connection
from .idempotency import PostgresIdempotencyStore


def row_count(outcome: str) -> int:
    """The number of rows that a statement matched, from the server's command tag, such as `UPDATE 1`."""
    count = outcome.rpartition(" ")[2]
    return int(count) if count.isdecimal() else 0


class PostgresTransaction:
    """Statements and events of a transaction; adapters of the chassis work on its connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.events: list[DomainEvent] = []
        self.idempotency = PostgresIdempotencyStore(connection)
        self.audit = PostgresAuditLog(connection)

    async def execute(self, statement: str, *values: Any) -> int:
        """Run a statement that changes rows; returns how many it matched."""
        return row_count(await self.connection.execute(statement, *values))

    async def fetch(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a query; returns all rows."""
        rows: Sequence[Any] = await self.connection.fetch(statement, *values)
        return rows

    def collect(self, aggregate: Aggregate[Any]) -> None:
        """Take over the events that a stored aggregate has recorded."""
        self.events += aggregate.take_events()
