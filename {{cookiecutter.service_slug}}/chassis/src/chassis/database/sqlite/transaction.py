"""One transaction on SQLite."""

from collections.abc import Sequence
from typing import Any

from ...domain import Aggregate, DomainEvent
from ..port import Row
from .audit import SqliteAuditLog
from .connection import Connection
from .idempotency import SqliteIdempotencyStore
from .pool import Pool
from .values import encode


class SqliteTransaction:
    """Takes the writing connection with its first statement; before that it keeps no other transaction waiting."""

    def __init__(self, pool: Pool, claimed: set[str]) -> None:
        self.events: list[DomainEvent] = []
        self.idempotency = SqliteIdempotencyStore(self, claimed)
        self.audit = SqliteAuditLog(self)
        self._pool = pool
        self._connection: Connection | None = None

    async def execute(self, statement: str, *values: Any) -> int:
        """Run a statement that changes rows; returns how many it matched."""
        cursor = await (await self._begun()).execute(statement, [encode(value) for value in values])
        return cursor.rowcount

    async def fetch(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a query; returns all rows."""
        return list(await (await self._begun()).execute_fetchall(statement, [encode(value) for value in values]))

    def collect(self, aggregate: Aggregate[Any]) -> None:
        """Take over the events that a stored aggregate has recorded."""
        self.events += aggregate.take_events()

    async def end(self, *, commit: bool) -> None:
        """Commit or roll back, and release the connection and every key."""
        try:
            if self._connection is not None:
                await self._pool.stop_writing(commit=commit)
        finally:
            self._connection = None
            self.idempotency.release()

    async def _begun(self) -> Connection:
        if self._connection is None:
            self._connection = await self._pool.start_writing()
        return self._connection
