"""Learns of new messages by LISTEN. Uses a dedicated connection, so the pool loses none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import structlog

from ....background import Backoff, in_background
from ....database.postgresql import PostgresDatabase
from ....database.postgresql.connection import Connection
from ....database.postgresql.database import IS_READ_ONLY
from ....database.postgresql.errors import unavailable_errors
from ....errors import Unavailable
from .statements import CHANNEL

# How long to wait at most: a notification is lost with its connection, and an unlocked lane is not announced at all.
LISTENING_SECONDS = 2.0
POLL_SECONDS = 0.5
PROBE_SECONDS = 5.0
BACKOFF = Backoff(first=0.2, longest=10)
# A connection lost after less than this counts as one more failure, so that a server that drops every connection is
# called less and less often; longer than the longest pause.
STABLE_SECONDS = 30
_log = structlog.stdlib.get_logger("outbox")


class PostgresOutboxListener:
    """Wakes at once while the connection stands, and polls while it does not."""

    def __init__(self) -> None:
        self.notified = asyncio.Event()
        self.is_connected = False

    def on_notification(self, *_: object) -> None:
        """Called for each notification."""
        self.notified.set()

    async def wait(self) -> None:
        """Return when messages were announced, or the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LISTENING_SECONDS if self.is_connected else POLL_SECONDS):
                await self.notified.wait()
        self.notified.clear()

    def busy(self) -> None:
        """Does nothing: whatever is added is announced."""


@asynccontextmanager
async def listening(database: PostgresDatabase) -> AsyncIterator[PostgresOutboxListener]:
    """Listen inside the block, on a new connection whenever one is lost; poll if there is only a pooler."""
    listener = PostgresOutboxListener()
    if not database.has_direct_address:
        _log.info("outbox listener off; polling", reason="DATABASE_DIRECT_URL is not set")
        yield listener
        return
    async with in_background(_keep_listening(database, listener)):
        yield listener


async def _keep_listening(database: PostgresDatabase, listener: PostgresOutboxListener) -> None:
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        started = loop.time()
        try:
            with unavailable_errors():
                await _listen(database, listener)
        except Unavailable as error:
            _log.warning("outbox listener lost; polling", reason=error.reason)
        except Exception:
            _log.exception("outbox listener lost; polling")
        failures = 1 if loop.time() - started > STABLE_SECONDS else failures + 1
        await asyncio.sleep(BACKOFF.after(failures))


async def _listen(database: PostgresDatabase, listener: PostgresOutboxListener) -> None:
    """Returns when the connection is lost."""
    lost = asyncio.Event()
    connection = await asyncpg.connect(**database.direct_options())
    connection.add_termination_listener(lambda _: lost.set())
    try:
        await connection.add_listener(CHANNEL, listener.on_notification)
        listener.is_connected = True
        listener.notified.set()  # for messages that were added before
        await _until_lost(connection, lost)
    finally:
        listener.is_connected = False
        connection.terminate()  # without waiting for a server that may not answer: nothing is in flight


async def _until_lost(connection: Connection, lost: asyncio.Event) -> None:
    """Probes the connection: networks silently drop idle ones, and a primary that was demoted may keep them.

    Raises ReadOnlySQLTransactionError if the server accepts no changes: messages are enqueued on another one.
    """
    while not lost.is_set():
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await lost.wait()
        except TimeoutError:
            if await connection.fetchval(IS_READ_ONLY):
                raise asyncpg.ReadOnlySQLTransactionError from None
