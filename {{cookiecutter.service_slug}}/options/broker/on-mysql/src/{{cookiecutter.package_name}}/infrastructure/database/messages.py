"""Outbox, inbox and history on MySQL."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID
from zlib import crc32

import orjson
from asyncmy.errors import IntegrityError

from ...domain.errors import Interrupted
from ...domain.history import HistoryEntry
from ...domain.ports import UnitOfWork
from ..messaging.port import Message
from ..messaging.store import Backlog, MessageStore, Waiting
from . import message_statements as statements
from .connections import Connection
from .driver import Row
from .errors import interrupted_errors, number_of
from .memory import MemoryDatabase
from .memory_messages import MemoryMessageStore
from .mysql import MysqlDatabase
from .polling import PollingArrivals
from .port import Database
from .unit_of_work import MysqlUnitOfWork, to_column

LANES = 16  # rows of outbox_lanes
LANES_AT_ONCE = 4  # what one relay may hold, so that others find work too
DUPLICATE = 1062


def create_message_store(database: Database) -> MessageStore:
    """The tables of messaging in a database that the service uses."""
    if isinstance(database, MysqlDatabase):
        return MysqlMessageStore(database)
    if isinstance(database, MemoryDatabase):
        return MemoryMessageStore(database)
    raise TypeError(f"no messages in {database.kind}")


class MysqlMessageStore:
    """Takes part in the transactions of a database, and has some of its own."""

    def __init__(self, database: MysqlDatabase) -> None:
        self._database = database
        self._announced = asyncio.Event()

    def within(self, work: UnitOfWork) -> "MysqlBookkeeping":
        """Take part in a transaction."""
        if not isinstance(work, MysqlUnitOfWork):
            raise TypeError("a transaction of another database")
        return MysqlBookkeeping(work.connection, self._announced)

    @asynccontextmanager
    async def take(self, limit: int, without: Collection[str] = ()) -> AsyncIterator["MysqlBatch"]:
        """Lock some lanes that have messages and that nobody else has locked, and read what they hold."""
        async with self._database.connection() as connection:
            try:
                await connection.run("BEGIN")
                batch = MysqlBatch(connection)
                await batch.read(limit, without)
                yield batch
            finally:
                if connection.is_alive():
                    await connection.commit()  # also if the block has failed: what was removed is published

    @asynccontextmanager
    async def arrivals(self) -> AsyncIterator[PollingArrivals]:
        """Look again and again."""
        yield PollingArrivals(self._announced)

    async def backlog(self, limit: int) -> Backlog:
        """What waits."""
        async with self._database.connection() as connection:
            [(count, microseconds)] = await connection.fetch(statements.BACKLOG, limit)
        return Backlog(count, max(microseconds or 0, 0) / 1_000_000)

    async def forget_received(self, before: datetime) -> int:
        """Delete in small steps until nothing old is left."""
        total = 0
        while True:
            async with self._database.connection() as connection:
                deleted = await connection.execute(statements.DELETE_RECEIVED, to_column(before))
            if not deleted:
                return total
            total += deleted

    async def history(self, id: UUID, after: int, limit: int) -> Sequence[HistoryEntry]:
        """Entries of an aggregate by version."""
        async with self._database.connection() as connection:
            with interrupted_errors():
                rows = await connection.fetch(statements.SELECT_HISTORY, id.bytes, after, limit)
        return [_to_entry(row) for row in rows]


class MysqlBookkeeping:
    """Outbox, inbox and history, on the connection of a transaction."""

    def __init__(self, connection: Connection, announced: asyncio.Event) -> None:
        self._connection = connection
        self._announced = announced

    @property
    def history(self) -> "MysqlBookkeeping":
        """Is its own: there is nothing to tell them apart by."""
        return self

    async def enqueue(self, messages: Sequence[Message]) -> None:
        """Insert them, and tell the relay of this process."""
        for message in messages:
            lane = crc32(message.key.encode()) % LANES
            row = (lane, message.id, message.type, message.key, message.body)
            await self._connection.execute(statements.ENQUEUE, *row)
        self._announced.set()

    async def first_time(self, consumer: str, id: str, at: datetime) -> bool:
        """Insert a row, which waits for others that insert the same."""
        try:
            await self._connection.execute(statements.RECEIVE, consumer.encode(), id.encode(), to_column(at))
        except IntegrityError as error:
            if number_of(error) != DUPLICATE:
                raise
            return False
        return True

    async def last_version(self, id: UUID) -> int:
        """Version of the last entry."""
        [(version,)] = await self._connection.fetch(statements.LAST_VERSION, id.bytes)
        return int(version)

    async def add(self, entry: HistoryEntry) -> None:
        """Insert an entry."""
        try:
            await self._connection.execute(
                statements.INSERT_HISTORY,
                entry.aggregate_id.bytes,
                entry.version,
                entry.event_id.bytes,
                entry.type,
                to_column(entry.occurred_at),
                orjson.dumps(entry.data).decode(),
            )
        except IntegrityError as error:
            if number_of(error) != DUPLICATE:
                raise
            raise Interrupted("database", "another transaction has added this version") from error


class MysqlBatch:
    """Messages of the lanes that are locked until the transaction ends."""

    def __init__(self, connection: Connection) -> None:
        self.waiting: list[Waiting] = []
        self._connection = connection
        self._positions: dict[str, int] = {}

    async def read(self, limit: int, without: Collection[str]) -> None:
        """Lock lanes and read what they hold."""
        left_out = ",".join(key.encode().hex().upper() for key in without)
        found = await self._connection.fetch(statements.FIND_LANES, left_out)
        lanes = sorted(row for row in found if row[0] is not None)
        count = min(limit, len(lanes), LANES_AT_ONCE)
        rows: list[Row] = []
        for _, lane in lanes:  # the one with the oldest message first
            if count and await self._connection.fetch(statements.TAKE_LANE, lane):
                # Only a statement that begins after the lock was given sees what the one who had it before has left.
                rows += await self._connection.fetch(statements.READ, lane, left_out, limit // count)
                limit -= limit // count
                count -= 1
        for position, id, type, key, body, since in sorted(rows):
            self.waiting.append(Waiting(Message(id, type, key, body), since.replace(tzinfo=UTC)))
            self._positions[id] = position

    async def remove(self, ids: Collection[str]) -> None:
        """Delete the rows."""
        positions = [self._positions[id] for id in ids]
        await self._connection.execute(statements.REMOVE, orjson.dumps(positions).decode())


def _to_entry(row: Row) -> HistoryEntry:
    event_id, type, aggregate_id, version, occurred_at, data = row
    return HistoryEntry(
        event_id=UUID(bytes=event_id),
        type=type,
        aggregate_id=UUID(bytes=aggregate_id),
        version=version,
        occurred_at=occurred_at.replace(tzinfo=UTC),
        data=orjson.loads(data),
    )
