"""One transaction on SQLite: the aggregates and the answers kept for idempotency keys."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from sqlite3 import Row
from typing import Any
from uuid import UUID

import aiosqlite

from ...domain.errors import KeyInUse, KeyReused, NotFound, VersionConflict
from ...domain.events import {{ cookiecutter.__Entity }}Event
from ...domain.idempotency import IdempotencyKey
from ...domain.model import {{ cookiecutter.__Entity }}
from ...domain.values import Quantity, Reference, Status
from . import statements
from .connections import Connections


def to_text(at: datetime) -> str:
    """A time in UTC as SQLite keeps it: text that sorts as time does."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def to_aggregate(row: Row | Sequence[Any]) -> {{ cookiecutter.__Entity }}:
    """Map a row by hand: an object-relational mapper would cost more than the query."""
    id, reference, quantity, status, version, created_at, updated_at = row
    return {{ cookiecutter.__Entity }}(
        id=UUID(id),
        reference=Reference(reference),
        quantity=Quantity(quantity),
        status=Status(status),
        version=version,
        created_at=datetime.fromisoformat(created_at),
        updated_at=datetime.fromisoformat(updated_at),
    )


class SqliteUnitOfWork:
    """Takes the writing connection with its first statement; before that it keeps nobody waiting."""

    def __init__(self, connections: Connections, claimed: set[str]) -> None:
        self.events: list[{{ cookiecutter.__Entity }}Event] = []
        self.{{ cookiecutter.__entities }} = SqliteRepository(self)
        self.answers = SqliteAnswerStore(self, claimed)
        self._connections = connections
        self._connection: aiosqlite.Connection | None = None

    async def execute(self, statement: str, values: Iterable[Any]) -> int:
        """Run a statement that changes something; says how many rows it changed."""
        cursor = await (await self._begun()).execute(statement, values)
        return cursor.rowcount

    async def fetch(self, statement: str, values: Iterable[Any]) -> Row | None:
        """Run a query; gives its first row."""
        rows = await (await self._begun()).execute_fetchall(statement, values)
        return next(iter(rows), None)

    async def end(self, *, commit: bool) -> None:
        """Commit or roll back, and let go of everything."""
        try:
            if self._connection is not None:
                await self._connections.stop_writing(commit=commit)
        finally:
            self._connection = None
            self.answers.release()

    async def _begun(self) -> aiosqlite.Connection:
        if self._connection is None:
            self._connection = await self._connections.start_writing()
        return self._connection


class SqliteRepository:
    """The aggregates, within the transaction."""

    def __init__(self, work: SqliteUnitOfWork) -> None:
        self._work = work

    async def add(self, new: {{ cookiecutter.__Entity }}) -> None:
        """Insert a row."""
        await self._work.execute(
            statements.INSERT,
            (
                str(new.id),
                new.reference.value,
                new.quantity.value,
                new.status.value,
                new.version,
                to_text(new.created_at),
                to_text(new.updated_at),
            ),
        )
        self._work.events += new.take_events()

    async def get(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """Read a row."""
        row = await self._work.fetch(statements.SELECT, (str(id),))
        if row is None:
            raise NotFound(id)
        return to_aggregate(row)

    async def save(self, changed: {{ cookiecutter.__Entity }}) -> None:
        """Update the row if it is still the version that was read."""
        updated = await self._work.execute(
            statements.UPDATE,
            (
                changed.reference.value,
                changed.quantity.value,
                changed.status.value,
                changed.version,
                to_text(changed.updated_at),
                str(changed.id),
                changed.stored_version,
            ),
        )
        if not updated:
            row = await self._work.fetch(statements.SELECT_VERSION, (str(changed.id),))
            raise VersionConflict(row[0] if row else 0)
        self._work.events += changed.take_events()


class SqliteAnswerStore:
    """Answers by idempotency key, within the transaction."""

    def __init__(self, work: SqliteUnitOfWork, claimed: set[str]) -> None:
        self._work = work
        self._claimed = claimed
        self._mine: set[str] = set()

    async def claim(self, key: IdempotencyKey) -> bytes | None:
        """Mark the key as taken, then look for an answer. One process has the file, so a set in memory is enough."""
        if key.value in self._claimed:
            raise KeyInUse
        self._claimed.add(key.value)
        self._mine.add(key.value)
        row = await self._work.fetch(statements.SELECT_ANSWER, (key.value,))
        if row is None:
            return None
        fingerprint, answer = row
        if fingerprint != key.fingerprint:
            raise KeyReused
        return bytes(answer)

    async def keep(self, key: IdempotencyKey, answer: bytes, at: datetime) -> None:
        """Insert the answer; it becomes visible together with its effect."""
        await self._work.execute(statements.INSERT_ANSWER, (key.value, key.fingerprint, answer, to_text(at)))

    def release(self) -> None:
        """Free the keys for others, at the end of the transaction."""
        self._claimed -= self._mine
