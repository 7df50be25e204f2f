"""Outbox, inbox and history on PostgreSQL."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from uuid import UUID
from zlib import crc32

import asyncpg
import orjson

from ...domain.errors import Interrupted
from ...domain.history import HistoryEntry
from ...domain.ports import UnitOfWork
from ..messaging.port import Message
from ..messaging.store import Arrivals, Backlog, MessageStore, Waiting
from . import message_statements as statements
from .arrivals import listening
from .errors import interrupted_errors
from .memory import MemoryDatabase
from .memory_messages import MemoryMessageStore
from .port import Database
from .postgresql import PostgresDatabase
from .unit_of_work import Connection, PostgresUnitOfWork

LANES = 16  # rows of outbox_lanes
LANES_AT_ONCE = 4  # what one relay may hold, so that others find work too


def create_message_store(database: Database) -> MessageStore:
    """The tables of messaging in a database that the service uses."""
    if isinstance(database, PostgresDatabase):
        return PostgresMessageStore(database)
    if isinstance(database, MemoryDatabase):
        return MemoryMessageStore(database)
    raise TypeError(f"no messages in {database.kind}")


class PostgresMessageStore:
    """Takes part in the transactions of a database, and has some of its own."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def within(self, work: UnitOfWork) -> "PostgresBookkeeping":
        """Take part in a transaction."""
        if not isinstance(work, PostgresUnitOfWork):
            raise TypeError("a transaction of another database")
        return PostgresBookkeeping(work.connection)

    @asynccontextmanager
    async def take(self, limit: int, without: Collection[str] = ()) -> AsyncIterator["PostgresBatch"]:
        """Lock some lanes that have messages and that nobody else has locked, then read what they hold."""
        async with self._scanning() as connection:
            batch = PostgresBatch(connection)
            await batch.read(limit, without)
            yield batch

    def arrivals(self) -> AbstractAsyncContextManager[Arrivals]:
        """Be notified."""
        return listening(self._database)

    async def backlog(self, limit: int) -> Backlog:
        """What waits."""
        async with self._scanning() as connection:
            [(count, oldest_seconds)] = await connection.fetch(statements.BACKLOG, limit)
        return Backlog(count, oldest_seconds)

    async def forget_received(self, before: datetime) -> int:
        """Delete in small steps until nothing old is left."""
        total = 0
        while True:
            async with self._database.connection() as connection:
                deleted = int((await connection.execute(statements.DELETE_RECEIVED, before)).rpartition(" ")[2])
            if not deleted:
                return total
            total += deleted

    async def history(self, id: UUID, after: int, limit: int) -> Sequence[HistoryEntry]:
        """Entries of an aggregate by version."""
        async with self._database.connection() as connection:
            with interrupted_errors():
                rows = await connection.fetch(statements.SELECT_HISTORY, id, after, limit)
        return [_to_entry(row) for row in rows]

    @asynccontextmanager
    async def _scanning(self) -> AsyncIterator[Connection]:
        """A transaction that is committed even if the block fails: what was removed until then was published."""
        async with self._database.connection() as connection:
            try:
                await connection.execute(statements.BEGIN)
                yield connection
            finally:
                if not connection.is_closed():
                    await connection.execute(statements.COMMIT)


class PostgresBookkeeping:
    """Outbox, inbox and history, on the connection of a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def history(self) -> "PostgresBookkeeping":
        """Is its own: there is nothing to tell them apart by."""
        return self

    async def enqueue(self, messages: Sequence[Message]) -> None:
        """Insert them, and notify whoever listens once the transaction is committed."""
        await self._connection.execute(
            statements.ENQUEUE,
            [crc32(message.key.encode()) % LANES for message in messages],
            [message.id for message in messages],
            [message.type for message in messages],
            [message.key for message in messages],
            [message.body for message in messages],
        )

    async def first_time(self, consumer: str, id: str, at: datetime) -> bool:
        """Insert a row, which waits for others that insert the same."""
        return await self._connection.execute(statements.RECEIVE, consumer, id, at) == "INSERT 0 1"

    async def last_version(self, id: UUID) -> int:
        """Version of the last entry."""
        version: int = await self._connection.fetchval(statements.LAST_VERSION, id)
        return version

    async def add(self, entry: HistoryEntry) -> None:
        """Insert an entry."""
        row = (entry.aggregate_id, entry.version, entry.event_id, entry.type, entry.occurred_at)
        try:
            await self._connection.execute(statements.INSERT_HISTORY, *row, orjson.dumps(entry.data).decode())
        except asyncpg.UniqueViolationError as error:
            raise Interrupted("database", "another transaction has added this version") from error


class PostgresBatch:
    """Messages of the lanes that are locked until the transaction ends."""

    def __init__(self, connection: Connection) -> None:
        self.waiting: list[Waiting] = []
        self._connection = connection
        self._places: dict[str, tuple[int, int]] = {}
        self._removed = 0

    async def read(self, limit: int, without: Collection[str]) -> None:
        """Lock lanes and read what they hold."""
        left_out, count = list(without), min(limit, LANES_AT_ONCE)
        lanes = [lane for (lane,) in await self._connection.fetch(statements.TAKE_LANES, count, left_out)]
        if not lanes:
            return
        # Only a statement that begins after the lock was given sees what the one who had it before has left.
        for place, _, id, type, key, body, since in await self._connection.fetch(
            statements.READ, lanes, limit // len(lanes), left_out
        ):
            self.waiting.append(Waiting(Message(id, type, key, body), since))
            self._places[id] = place

    async def remove(self, ids: Collection[str]) -> None:
        """Delete the rows."""
        self._removed += len(ids)
        wait_for_disk = "on" if self._removed >= statements.MANY else "off"
        await self._connection.fetch(statements.REMOVE, [self._places[id] for id in ids], wait_for_disk)


def _to_entry(row: asyncpg.Record) -> HistoryEntry:
    return HistoryEntry(
        event_id=row["event_id"],
        type=row["type"],
        aggregate_id=row["aggregate_id"],
        version=row["version"],
        occurred_at=row["occurred_at"],
        data=orjson.loads(row["data"]),
    )
