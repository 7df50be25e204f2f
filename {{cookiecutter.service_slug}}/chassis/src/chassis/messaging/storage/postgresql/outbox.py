"""The outbox on PostgreSQL."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from zlib import crc32

from ....database.port import DatabaseTransaction
from ....database.postgresql import PostgresDatabase
from ....database.postgresql.connection import Connection
from ...outbox.port import Backlog, OutboxListener, WaitingMessage
from ...port import Message
from . import statements
from .listener import listening
from .transaction import on_postgresql
from .watermarks import LowWatermarks

LANES = 16  # rows of outbox_lanes
LANES_OF_ONE_RELAY = 4  # at most, so that other relays find work too


class PostgresOutbox:
    """Rows in lanes; a relay locks some lanes and reads their messages."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._watermarks = LowWatermarks()

    async def enqueue(self, transaction: DatabaseTransaction, messages: Sequence[Message]) -> None:
        """Insert messages, and notify listeners once the transaction has committed."""
        await on_postgresql(transaction).execute(
            statements.ENQUEUE,
            [crc32(message.key.encode()) % LANES for message in messages],
            [message.id for message in messages],
            [message.type for message in messages],
            [message.key for message in messages],
            [message.body for message in messages],
        )

    @asynccontextmanager
    async def claim(self, limit: int, without: Collection[str] = ()) -> AsyncIterator["PostgresBatch"]:
        """Lock some lanes that have messages and that no other relay has locked, then read their messages."""
        async with self._scanning() as connection:
            batch = PostgresBatch(connection, self._watermarks)
            await batch.read(limit, without)
            yield batch

    def listening(self) -> AbstractAsyncContextManager[OutboxListener]:
        """Listen for notifications."""
        return listening(self._database)

    async def backlog(self, limit: int) -> Backlog:
        """Number of waiting messages and age of the oldest."""
        async with self._scanning() as connection:
            [(count, oldest_seconds)] = await connection.fetch(statements.BACKLOG, limit)
        return Backlog(count, oldest_seconds)

    @asynccontextmanager
    async def _scanning(self) -> AsyncIterator[Connection]:
        """A transaction that is committed even if the block fails: messages removed until then were published."""
        async with self._database.acquire() as connection:
            try:
                await connection.execute(statements.BEGIN)
                yield connection
            finally:
                if not connection.is_closed():
                    await connection.execute(statements.COMMIT)


class PostgresBatch:
    """Messages of the lanes that are locked until the transaction ends."""

    def __init__(self, connection: Connection, watermarks: LowWatermarks) -> None:
        self.waiting: list[WaitingMessage] = []
        self._connection = connection
        self._watermarks = watermarks
        self._locked: Sequence[int] = ()
        self._rows: dict[str, tuple[int, tuple[int, int], int]] = {}  # lane, place and position
        self._removed = 0

    async def read(self, limit: int, without: Collection[str]) -> None:
        """Lock lanes and read their messages."""
        skipped, count = list(without), min(limit, LANES_OF_ONE_RELAY)
        lanes = [lane for (lane,) in await self._connection.fetch(statements.CLAIM_LANES, count, skipped)]
        if not lanes:
            return
        self._locked = lanes
        # Only a statement that begins after the lock was granted sees what its previous holder has left.
        for lane, place, position, id, type, key, body, since in await self._connection.fetch(
            statements.READ, lanes, limit // len(lanes), skipped
        ):
            self.waiting.append(WaitingMessage(Message(id, type, key, body), since))
            self._rows[id] = lane, place, position

    async def remove(self, ids: Collection[str]) -> None:
        """Delete the rows of published messages."""
        if not ids:
            return
        self._removed += len(ids)
        wait_for_disk = "on" if self._removed >= statements.MANY else "off"
        lanes, places, positions = zip(*(self._rows[id] for id in ids), strict=True)
        await self._connection.fetch(statements.REMOVE, places, wait_for_disk)
        await self._watermarks.removed(self._connection, lanes, max(positions), self._locked)
