"""Outbox, inbox and history on SQLite."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from sqlite3 import IntegrityError, Row
from typing import Any
from uuid import UUID

import orjson

from ...domain.errors import Interrupted
from ...domain.history import HistoryEntry
from ...domain.ports import UnitOfWork
from ..identity import utc_now
from ..messaging.port import Message
from ..messaging.store import Backlog, MessageStore, Waiting
from . import message_statements as statements
from .file_lock import held
from .memory import MemoryDatabase
from .memory_messages import MemoryMessageStore
from .polling import PollingArrivals
from .port import Database
from .sqlite import SqliteDatabase
from .unit_of_work import SqliteUnitOfWork, to_text


def create_message_store(database: Database) -> MessageStore:
    """The tables of messaging in a database that the service uses."""
    if isinstance(database, SqliteDatabase):
        return SqliteMessageStore(database)
    if isinstance(database, MemoryDatabase):
        return MemoryMessageStore(database)
    raise TypeError(f"no messages in {database.kind}")


class SqliteMessageStore:
    """Takes part in the transactions of a database, and has some of its own."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._announced = asyncio.Event()

    def within(self, work: UnitOfWork) -> "SqliteBookkeeping":
        """Take part in a transaction."""
        if not isinstance(work, SqliteUnitOfWork):
            raise TypeError("a transaction of another database")
        return SqliteBookkeeping(work, self._announced)

    @asynccontextmanager
    async def take(self, limit: int, without: Collection[str] = ()) -> AsyncIterator["SqliteBatch"]:
        """One relay at a time, by a lock on a file: a transaction would keep everybody else from writing meanwhile."""
        with held(self._database.path.with_name(f"{self._database.path.name}-relay")) as mine:
            left_out = orjson.dumps(list(without)).decode()
            yield SqliteBatch(self._database, await self._rows(statements.READ, left_out, limit) if mine else [])

    @asynccontextmanager
    async def arrivals(self) -> AsyncIterator[PollingArrivals]:
        """Look again and again."""
        yield PollingArrivals(self._announced)

    async def backlog(self, limit: int) -> Backlog:
        """What waits."""
        [(count, oldest)] = await self._rows(statements.BACKLOG, limit)
        age = (utc_now() - datetime.fromisoformat(oldest)).total_seconds() if oldest else 0.0
        return Backlog(count, max(age, 0.0))

    async def forget_received(self, before: datetime) -> int:
        """Delete in small steps until nothing old is left."""
        total = 0
        while True:
            async with self._database.begin() as work:
                deleted = await work.execute(statements.DELETE_RECEIVED, (to_text(before),))
            if not deleted:
                return total
            total += deleted

    async def history(self, id: UUID, after: int, limit: int) -> Sequence[HistoryEntry]:
        """Entries of an aggregate by version."""
        return [_to_entry(row) for row in await self._rows(statements.SELECT_HISTORY, str(id), after, limit)]

    async def _rows(self, statement: str, *values: Any) -> list[Row]:
        async with self._database.reading() as connection:
            return list(await connection.execute_fetchall(statement, values))


class SqliteBookkeeping:
    """Outbox, inbox and history, within a transaction."""

    def __init__(self, work: SqliteUnitOfWork, announced: asyncio.Event) -> None:
        self._work = work
        self._announced = announced

    @property
    def history(self) -> "SqliteBookkeeping":
        """Is its own: there is nothing to tell them apart by."""
        return self

    async def enqueue(self, messages: Sequence[Message]) -> None:
        """Insert them, and tell the relay of this process."""
        at = to_text(utc_now())
        for message in messages:
            await self._work.execute(statements.ENQUEUE, (message.id, message.type, message.key, message.body, at))
        self._announced.set()

    async def first_time(self, consumer: str, id: str, at: datetime) -> bool:
        """Insert a row; nobody else writes meanwhile."""
        return await self._work.execute(statements.RECEIVE, (consumer, id, to_text(at))) == 1

    async def last_version(self, id: UUID) -> int:
        """Version of the last entry."""
        row = await self._work.fetch(statements.LAST_VERSION, (str(id),))
        version: int = row[0] if row else 0
        return version

    async def add(self, entry: HistoryEntry) -> None:
        """Insert an entry."""
        row: Iterable[object] = (
            str(entry.aggregate_id),
            entry.version,
            str(entry.event_id),
            entry.type,
            to_text(entry.occurred_at),
            orjson.dumps(entry.data).decode(),
        )
        try:
            await self._work.execute(statements.INSERT_HISTORY, row)
        except IntegrityError as error:
            raise Interrupted("database", "another transaction has added this version") from error


class SqliteBatch:
    """The oldest messages."""

    def __init__(self, database: SqliteDatabase, rows: Iterable[Row]) -> None:
        self._database = database
        self._positions: dict[str, int] = {}
        self.waiting: list[Waiting] = []
        for position, id, type, key, body, since in rows:
            self._positions[id] = position
            self.waiting.append(Waiting(Message(id, type, key, body), datetime.fromisoformat(since)))

    async def remove(self, ids: Collection[str]) -> None:
        """Delete the rows in a short transaction of its own."""
        positions = orjson.dumps([self._positions[id] for id in ids]).decode()
        async with self._database.begin() as work:
            await work.execute(statements.REMOVE, (positions,))


def _to_entry(row: Row) -> HistoryEntry:
    event_id, type, aggregate_id, version, occurred_at, data = row
    return HistoryEntry(
        event_id=UUID(event_id),
        type=type,
        aggregate_id=UUID(aggregate_id),
        version=version,
        occurred_at=datetime.fromisoformat(occurred_at),
        data=orjson.loads(data),
    )
