"""The outbox on SQLite."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

import orjson

from ....database.port import DatabaseTransaction, Row
from ....database.sqlite import SqliteDatabase, to_time
from ....identity import utc_now
from ...outbox.polling import PollingListener
from ...outbox.port import Backlog, WaitingMessage
from ...port import Message
from .file_lock import file_lock
from .transaction import on_sqlite

ENQUEUE = "INSERT INTO outbox (id, type, key, body, created_at) VALUES (?, ?, ?, ?, ?)"

READ = """
SELECT position, id, type, key, body, created_at FROM outbox
WHERE key NOT IN (SELECT value FROM json_each(?))
ORDER BY position LIMIT ?
"""

REMOVE = "DELETE FROM outbox WHERE position IN (SELECT value FROM json_each(?))"

BACKLOG = """
SELECT
    (SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT ?)),
    (SELECT created_at FROM outbox ORDER BY position LIMIT 1)
"""


class SqliteOutbox:
    """Serves one relay at a time, by a lock on a file: a transaction would keep all others from writing meanwhile."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._lock = database.path.with_name(f"{database.path.name}-relay")
        self._enqueued = asyncio.Event()

    async def enqueue(self, transaction: DatabaseTransaction, messages: Sequence[Message]) -> None:
        """Insert messages, and wake the relay of this process."""
        own, at = on_sqlite(transaction), utc_now()
        for message in messages:
            await own.execute(ENQUEUE, message.id, message.type, message.key, message.body, at)
        self._enqueued.set()

    @asynccontextmanager
    async def claim(self, limit: int, without: Collection[str] = ()) -> AsyncIterator["SqliteBatch"]:
        """Hold the lock and read the oldest messages; empty while another relay holds it."""
        with file_lock(self._lock) as is_mine:
            skipped = orjson.dumps(list(without)).decode()
            yield SqliteBatch(self._database, await self._database.fetch(READ, skipped, limit) if is_mine else [])

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[PollingListener]:
        """Poll."""
        yield PollingListener(self._enqueued)

    async def backlog(self, limit: int) -> Backlog:
        """Number of waiting messages and age of the oldest."""
        [(count, oldest)] = await self._database.fetch(BACKLOG, limit)
        age = (utc_now() - to_time(oldest)).total_seconds() if oldest else 0.0
        return Backlog(count, max(age, 0.0))


class SqliteBatch:
    """The oldest messages."""

    def __init__(self, database: SqliteDatabase, rows: Sequence[Row]) -> None:
        self._database = database
        self._positions: dict[str, int] = {}
        self.waiting: list[WaitingMessage] = []
        for position, id, type, key, body, since in rows:
            self._positions[id] = position
            self.waiting.append(WaitingMessage(Message(id, type, key, body), to_time(since)))

    async def remove(self, ids: Collection[str]) -> None:
        """Delete the rows in a short transaction of its own."""
        positions = orjson.dumps([self._positions[id] for id in ids]).decode()
        async with self._database.begin() as transaction:
            await transaction.execute(REMOVE, positions)
