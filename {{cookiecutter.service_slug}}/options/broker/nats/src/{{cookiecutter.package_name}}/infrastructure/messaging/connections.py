"""Keeps a connection to NATS for as long as the service lives."""

import asyncio
import time

import structlog

from ...config.broker import BrokerSettings
from ...domain.errors import Unavailable
from .backoff import Backoff
from .errors import reason_of
from .reasons import LOST
from .sessions import Session

BACKOFF = Backoff(first=0.1, longest=2)
SOON_SECONDS = 1

log = structlog.stdlib.get_logger("broker")


class Connection:
    """Keeps a session: when one is lost, the next is made, with growing pauses and without end."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._session: Session | None = None
        self._reason = "not connected yet"
        self._there = asyncio.Event()
        self._tried = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin. The first attempt has ended when this returns, one way or the other."""
        self._keeping = asyncio.create_task(self._keep())
        await self._tried.wait()

    async def close(self) -> None:
        """End."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def session(self) -> Session:
        """The one that works now. Raises Unavailable."""
        if self._session is None or self._session.lost.is_set():
            raise Unavailable("broker", self._reason)
        return self._session

    async def wait(self) -> Session:
        """The one that works now, or the next one."""
        while self._session is None or self._session.lost.is_set():
            self._there.clear()
            await self._there.wait()
        return self._session

    async def _keep(self) -> None:
        failures = 0
        while True:
            session = await self._attempt()
            if session is None:
                failures += 1
            else:
                failures = 1 if await self._hold(session) else 4
            await asyncio.sleep(BACKOFF.after(failures))

    async def _hold(self, session: Session) -> bool:
        """Use it until it is lost; False if that was soon, as with a server that turns away whom it has let in."""
        begun = time.monotonic()
        self._session = session
        self._reason = LOST
        self._tried.set()
        self._there.set()
        log.info("connected to the broker")
        await session.lost.wait()
        log.warning("the connection to the broker was lost")
        await session.close()
        return time.monotonic() - begun > SOON_SECONDS

    async def _attempt(self) -> Session | None:
        session = Session(self._settings)
        try:
            await session.connect()
        except asyncio.CancelledError:
            await session.close()
            raise
        except Exception as error:  # whatever it is, the next attempt may work
            await session.close()
            self._note(error)
            return None
        return session

    def _note(self, error: Exception) -> None:
        reason = reason_of(error)
        if reason != self._reason:
            log.warning("no connection to the broker", reason=reason)
        self._reason = reason
        self._tried.set()
