"""Pulls the messages of one durable consumer, for as long as anybody wants them."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

import orjson
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as Inbox
from nats.errors import Error

from ...domain.errors import Unavailable
from ..identity import utc_now
from .backoff import Backoff
from .connections import Connection
from .errors import unavailable_errors
from .handlers import Handlers
from .sessions import Session
from .topology import Start

EXPIRES_SECONDS = 30
HEARTBEAT_SECONDS = 5
SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS
BACKOFF = Backoff(first=0.5, longest=5)
LEAVE_SECONDS = 2
# A consumer that somebody has deleted begins this much before it was last heard of. What comes twice the inbox knows.
BACK = timedelta(hours=1)
SKEW = timedelta(minutes=1)  # between the clocks of this machine and the server

log = structlog.stdlib.get_logger("broker")


class Declare(Protocol):
    """Declares the consumer, if it is not there, to start with what is new or with what came after a time."""

    def __call__(self, session: Session, start: Start) -> Awaitable[None]:
        """Raises Unavailable, nats.errors.Error."""
        ...


class Source:
    """One consumer of the server.

    Only as many messages are asked for as can be handled: none lies here while another replica has nothing to do, and
    none counts as delivered that nobody has looked at.
    """

    def __init__(
        self,
        connection: Connection,
        handlers: Handlers,
        stream: str,
        consumer: str,
        declare: Declare,
    ) -> None:
        self._connection = connection
        self._handlers = handlers
        self._name = f"{stream}.{consumer}"
        self._declare = declare
        self._client_inbox = ""
        self._session: Session | None = None
        self._requested = 0
        self._heard = 0.0
        self._start: Start = utc_now()
        self._trouble = asyncio.Event()

    async def declare(self) -> None:
        """Declare the consumer if the server is there. If it is not, what is published from now on is taken later."""
        begun = utc_now()
        with suppress(Unavailable), unavailable_errors():
            await self._declare(self._connection.session(), "new")
        self._start = begun - SKEW

    async def run(self) -> None:
        """Declare and pull, again and again, until cancelled."""
        failures = 0
        while True:
            session = await self._connection.wait()
            try:
                with unavailable_errors():
                    await self._declare(session, self._start)
                    failures = 0
                    await self._pull(session)
            except Unavailable as error:
                log.warning("nothing can be taken from the broker", consumer=self._name, reason=error.reason)
            failures += 1
            await asyncio.sleep(BACKOFF.after(failures))

    async def refill(self) -> None:
        """Ask for more if there is room for more, but not for each single one."""
        room = self._handlers.room
        wanted = room - self._requested
        if self._session is None or wanted <= 0 or (self._requested and wanted < self._requested):
            return
        if not self._requested:
            self._heard = time.monotonic()
        self._requested += wanted
        request = {
            "batch": wanted,
            "expires": int(EXPIRES_SECONDS * 1e9),
            "idle_heartbeat": int(HEARTBEAT_SECONDS * 1e9),
        }
        with suppress(Error, OSError):  # the end of the connection is told in another way
            await self._session.client.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{self._name}", orjson.dumps(request), self._client_inbox
            )

    async def _pull(self, session: Session) -> None:
        self._trouble.clear()
        self._requested = 0
        self._client_inbox = session.client.new_inbox()
        forget = session.when_lost(self._trouble.set)
        inbox = await session.client.subscribe(self._client_inbox, cb=self._arrived, pending_bytes_limit=0)
        self._session = session
        try:
            await self.refill()
            await self._watch()
        finally:
            self._session = None
            forget()
            await _leave(session, inbox)

    async def _watch(self) -> None:
        """Return when something is wrong."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await self._trouble.wait()
                return
            silence = time.monotonic() - self._heard
            if self._requested and silence > SILENCE_SECONDS:
                return
            self._start = utc_now() - timedelta(seconds=silence) - BACK

    async def _arrived(self, message: Msg) -> None:
        self._heard = time.monotonic()
        if message.reply:
            self._requested -= 1
            self._handlers.take(message)
        else:
            await self._told(message.headers or {})

    async def _told(self, headers: dict[str, str]) -> None:
        """The server says that it is alive, that a request has come to its end, or that something is wrong."""
        status = headers.get("Status")
        if status == "100":
            return
        if status == "408" and (left := headers.get("Nats-Pending-Messages", "")).isdigit():
            self._requested -= int(left)
            await self.refill()
        else:
            log.info("the broker ends a request", consumer=self._name, status=status, text=headers.get("Description"))
            self._trouble.set()


async def _leave(session: Session, inbox: Inbox) -> None:
    """Take what is on its way, and no more."""
    ends = [asyncio.ensure_future(inbox.drain()), asyncio.ensure_future(session.lost.wait())]  # type: ignore[no-untyped-call]
    try:
        await asyncio.wait(ends, timeout=LEAVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
