"""One transaction on PostgreSQL: the aggregates and the answers kept for idempotency keys."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from ...domain.errors import KeyInUse, KeyReused, NotFound, VersionConflict
from ...domain.events import {{ cookiecutter.__Entity }}Event
from ...domain.idempotency import IdempotencyKey
from ...domain.model import {{ cookiecutter.__Entity }}
from ...domain.values import Quantity, Reference, Status
from . import statements

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


def to_aggregate(row: asyncpg.Record) -> {{ cookiecutter.__Entity }}:
    """Map a row by hand: what an object-relational mapper would do for three times the price of the query."""
    return {{ cookiecutter.__Entity }}(
        id=row["id"],
        reference=Reference(row["reference"]),
        quantity=Quantity(row["quantity"]),
        status=Status(row["status"]),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


class PostgresRepository:
    """The aggregates, on the connection of the transaction."""

    def __init__(self, connection: Connection, events: list[{{ cookiecutter.__Entity }}Event]) -> None:
        self._connection = connection
        self._events = events

    async def add(self, new: {{ cookiecutter.__Entity }}) -> None:
        """Insert a row."""
        await self._connection.execute(
            statements.INSERT,
            new.id,
            new.reference.value,
            new.quantity.value,
            new.status.value,
            new.version,
            new.created_at,
            new.updated_at,
        )
        self._events += new.take_events()

    async def get(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """Read a row and keep others from changing it until the transaction ends."""
        row = await self._connection.fetchrow(statements.SELECT_TO_CHANGE, id)
        if row is None:
            raise NotFound(id)
        return to_aggregate(row)

    async def save(self, changed: {{ cookiecutter.__Entity }}) -> None:
        """Update the row if it is still the version that was read."""
        outcome = await self._connection.execute(
            statements.UPDATE,
            changed.id,
            changed.stored_version,
            changed.reference.value,
            changed.quantity.value,
            changed.status.value,
            changed.version,
            changed.updated_at,
        )
        if outcome != "UPDATE 1":
            current = await self._connection.fetchval(statements.SELECT_VERSION, changed.id)
            raise VersionConflict(current or 0)
        self._events += changed.take_events()


class PostgresAnswerStore:
    """Answers by idempotency key, on the connection of the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(self, key: IdempotencyKey) -> bytes | None:
        """Take an advisory lock that ends with the transaction, then look for an answer."""
        if not await self._connection.fetchval(statements.CLAIM_KEY, key.value):
            raise KeyInUse
        row = await self._connection.fetchrow(statements.SELECT_ANSWER, key.value)
        if row is None:
            return None
        if row["fingerprint"] != key.fingerprint:
            raise KeyReused
        answer: bytes = row["answer"]
        return answer

    async def keep(self, key: IdempotencyKey, answer: bytes, at: datetime) -> None:
        """Insert the answer; it becomes visible together with its effect."""
        await self._connection.execute(statements.INSERT_ANSWER, key.value, key.fingerprint, answer, at)


@dataclass(slots=True)
class PostgresUnitOfWork:
    """What belongs together, on one connection."""

    connection: Connection
    events: list[{{ cookiecutter.__Entity }}Event] = field(default_factory=list)
    {{ cookiecutter.__entities }}: PostgresRepository = field(init=False)
    answers: PostgresAnswerStore = field(init=False)

    def __post_init__(self) -> None:
        self.{{ cookiecutter.__entities }} = PostgresRepository(self.connection, self.events)
        self.answers = PostgresAnswerStore(self.connection)
