"""The outbox on MySQL."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from zlib import crc32

import orjson

from ....database.mysql import MysqlDatabase, to_time
from ....database.mysql.connection import Connection
from ....database.mysql.driver import Row
from ....database.port import DatabaseTransaction
from ...outbox.polling import PollingListener
from ...outbox.port import Backlog, WaitingMessage
from ...port import Message
from . import outbox_statements as statements
from .transaction import on_mysql

LANES = 16  # rows of outbox_lanes
LANES_AT_ONCE = 4  # claimed by one relay at most, so that others find work too


class MysqlOutbox:
    """Messages in lanes; a relay locks lanes, so that the messages of a key stay in order."""

    def __init__(self, database: MysqlDatabase) -> None:
        self._database = database
        self._enqueued = asyncio.Event()

    async def enqueue(self, transaction: DatabaseTransaction, messages: Sequence[Message]) -> None:
        """Insert messages, and wake the relay of this process."""
        own = on_mysql(transaction)
        for message in messages:
            lane = crc32(message.key.encode()) % LANES
            await own.execute(statements.ENQUEUE, lane, message.id, message.type, message.key, message.body)
        self._enqueued.set()

    @asynccontextmanager
    async def claim(self, limit: int, without: Collection[str] = ()) -> AsyncIterator["MysqlBatch"]:
        """Lock some lanes that have messages and that no other relay has locked, and read what they hold."""
        async with self._database.connection() as connection, connection.ends_if_silent():
            try:
                await connection.run("BEGIN")
                batch = MysqlBatch(connection)
                await batch.read(limit, without)
                yield batch
            finally:
                if connection.is_open():
                    await connection.commit()  # also if the block has failed: removed messages are published

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[PollingListener]:
        """Poll."""
        yield PollingListener(self._enqueued)

    async def backlog(self, limit: int) -> Backlog:
        """Number of waiting messages and age of the oldest."""
        [(count, microseconds)] = await self._database.fetch(statements.BACKLOG, limit)
        return Backlog(count, max(microseconds or 0, 0) / 1_000_000)


class MysqlBatch:
    """Messages of the lanes that are locked until the transaction ends."""

    def __init__(self, connection: Connection) -> None:
        self.waiting: list[WaitingMessage] = []
        self._connection = connection
        self._positions: dict[str, int] = {}

    async def read(self, limit: int, without: Collection[str]) -> None:
        """Lock lanes and read what they hold."""
        skipped = ",".join(key.encode().hex().upper() for key in without)
        found = await self._connection.fetch(statements.FIND_LANES, skipped)
        lanes = sorted(row for row in found if row[0] is not None)
        count = min(limit, len(lanes), LANES_AT_ONCE)
        rows: list[Row] = []
        for _, lane in lanes:  # the one with the oldest message first
            if count and await self._connection.fetch(statements.LOCK_LANE, lane):
                # Only a statement that begins after the lock was granted sees what its last holder has left.
                rows += await self._connection.fetch(statements.READ, lane, skipped, limit // count)
                limit -= limit // count
                count -= 1
        for position, id, type, key, body, since in sorted(rows):
            self.waiting.append(WaitingMessage(Message(id, type, key, body), to_time(since)))
            self._positions[id] = position

    async def remove(self, ids: Collection[str]) -> None:
        """Delete the rows."""
        positions = [self._positions[id] for id in ids]
        await self._connection.execute(statements.REMOVE, orjson.dumps(positions).decode())
