"""Hears of new messages by LISTEN, on a connection of its own: one of the pool would be missing there for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import structlog

from ...domain.errors import Unavailable
from ..background import in_background
from ..messaging.backoff import Backoff
from .errors import unavailable_errors
from .message_statements import CHANNEL, PROBE
from .postgresql import PostgresDatabase
from .unit_of_work import Connection

# How long to go without a look: a notification is lost with its connection, and a lane that was locked comes free
# without one.
LISTENING_SECONDS = 2.0
DEAF_SECONDS = 0.5
PROBE_SECONDS = 30.0
BACKOFF = Backoff(first=0.2, longest=10)
# A connection that is lost after less counts as one more failure, so that a server that hangs up on everybody is called
# less and less often; longer than the longest pause.
STABLE_SECONDS = 30
_log = structlog.stdlib.get_logger("outbox")


class PostgresArrivals:
    """Wakes at once while the connection stands, and looks again and again while it does not."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()
        self.listens = False

    def hear(self, *_: object) -> None:
        """Called for each notification."""
        self.heard.set()

    async def wait(self) -> None:
        """Until something was announced, or the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LISTENING_SECONDS if self.listens else DEAF_SECONDS):
                await self.heard.wait()
        self.heard.clear()

    def busy(self) -> None:
        """Whoever adds more will announce it."""


@asynccontextmanager
async def listening(database: PostgresDatabase) -> AsyncIterator[PostgresArrivals]:
    """Listen as long as the block lasts, on a new connection whenever one is lost."""
    arrivals = PostgresArrivals()
    async with in_background(_keep_listening(database, arrivals)):
        yield arrivals


async def _keep_listening(database: PostgresDatabase, arrivals: PostgresArrivals) -> None:
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        started = loop.time()
        try:
            with unavailable_errors():
                await _listen(database, arrivals)
        except Unavailable as error:
            _log.warning("does not hear of new messages, looks for them instead", reason=error.reason)
        except Exception:
            _log.exception("does not hear of new messages, looks for them instead")
        failures = 1 if loop.time() - started > STABLE_SECONDS else failures + 1
        await asyncio.sleep(BACKOFF.after(failures))


async def _listen(database: PostgresDatabase, arrivals: PostgresArrivals) -> None:
    """Returns when the connection is gone."""
    gone = asyncio.Event()
    connection = await asyncpg.connect(**database.options())
    connection.add_termination_listener(lambda _: gone.set())
    try:
        await connection.add_listener(CHANNEL, arrivals.hear)
        arrivals.listens = True
        arrivals.heard.set()  # what came before nobody has heard
        await _until_lost(connection, gone)
    finally:
        arrivals.listens = False
        connection.terminate()  # without waiting for a server that may be silent: nothing is under way


async def _until_lost(connection: Connection, gone: asyncio.Event) -> None:
    """A network drops connections that say nothing for minutes, without a word: this one says something."""
    while not gone.is_set():
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await gone.wait()
        except TimeoutError:
            await connection.execute(PROBE)
