"""A connection that is made again whenever it breaks."""

import asyncio
import time

import structlog

from ....background import Backoff
from ....errors import Unavailable
from .errors import reason_of
from .reasons import LOST
from .session import Session
from .settings import BrokerSettings

BACKOFF = Backoff(first=0.1, longest=2)
SOON_SECONDS = 1

_log = structlog.stdlib.get_logger("broker")


class ReconnectingConnection:
    """Holds a session: when it is lost, the next one is made, without end, with growing pauses."""

    def __init__(self, settings: BrokerSettings, service_name: str) -> None:
        self._settings = settings
        self._service_name = service_name
        self._session: Session | None = None
        self._reason = "not connected yet"
        self._connected = asyncio.Event()
        self._tried = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to connect, and wait until the first attempt has succeeded or failed."""
        self._keeping = asyncio.create_task(self._keep())
        await self._tried.wait()

    async def close(self) -> None:
        """Disconnect."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def session(self) -> Session:
        """The present session. Raises Unavailable."""
        if self._session is None or self._session.lost.is_set():
            raise Unavailable("broker", self._reason)
        return self._session

    async def wait(self) -> Session:
        """The present session, or the next one."""
        while self._session is None or self._session.lost.is_set():
            self._connected.clear()
            await self._connected.wait()
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
        """Use it until it is lost; False if that was soon, as with a server that closes each new connection."""
        begun = time.monotonic()
        self._session = session
        self._reason = LOST
        self._tried.set()
        self._connected.set()
        _log.info("broker connected")
        await session.lost.wait()
        _log.warning("broker connection lost; reconnecting")
        await session.close()
        return time.monotonic() - begun > SOON_SECONDS

    async def _attempt(self) -> Session | None:
        session = Session(self._settings, self._service_name)
        try:
            await session.connect()
        except asyncio.CancelledError:
            await session.close()
            raise
        except Exception as error:  # whatever it is, the next attempt may work
            await session.close()
            self._report(error)
            return None
        return session

    def _report(self, error: Exception) -> None:
        reason = reason_of(error)
        if reason != self._reason:
            _log.warning("cannot connect to broker; retrying", reason=reason)
        self._reason = reason
        self._tried.set()
