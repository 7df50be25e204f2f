"""Pulls the messages of one durable consumer."""

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

from ....background import Backoff
from ....errors import Unavailable
from ....identity import utc_now
from .connection import ReconnectingConnection
from .dispatcher import Dispatcher
from .errors import unavailable_errors
from .session import Session
from .topology import Start

EXPIRES_SECONDS = 30
HEARTBEAT_SECONDS = 5
SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS
BACKOFF = Backoff(first=0.5, longest=5)
LEAVE_SECONDS = 2
# A consumer that was deleted starts this long before the last message from the server. The inbox ignores repetitions.
BACK = timedelta(hours=1)
SKEW = timedelta(minutes=1)  # between the clocks of this machine and the server

_log = structlog.stdlib.get_logger("broker")


class Declare(Protocol):
    """Declares the consumer, if it does not exist, to start with new messages or with those after a time."""

    def __call__(self, session: Session, start: Start) -> Awaitable[None]:
        """Raises Unavailable, nats.errors.Error."""
        ...


class ConsumerListener:
    """One consumer of the server.

    It requests only as many messages as can be handled: none waits here while another replica is idle, and none counts
    as delivered without a handler.
    """

    def __init__(
        self,
        connection: ReconnectingConnection,
        dispatcher: Dispatcher,
        stream: str,
        consumer: str,
        declare: Declare,
    ) -> None:
        self._connection = connection
        self._dispatcher = dispatcher
        self._name = f"{stream}.{consumer}"
        self._declare = declare
        self._reply = ""
        self._session: Session | None = None
        self._requested = 0
        self._last_message = 0.0
        self._start: Start = utc_now()
        self._interrupted = asyncio.Event()

    async def declare(self) -> None:
        """Declare the consumer if the server is available. If not, messages published from now on come later."""
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
                _log.warning("cannot receive messages; retrying", consumer=self._name, reason=error.reason)
            failures += 1
            await asyncio.sleep(BACKOFF.after(failures))

    async def refill(self) -> None:
        """Request more if there is room for more, but not for each single message."""
        room = self._dispatcher.room
        wanted = room - self._requested
        if self._session is None or wanted <= 0 or (self._requested and wanted < self._requested):
            return
        if not self._requested:
            self._last_message = time.monotonic()
        self._requested += wanted
        request = {
            "batch": wanted,
            "expires": int(EXPIRES_SECONDS * 1e9),
            "idle_heartbeat": int(HEARTBEAT_SECONDS * 1e9),
        }
        with suppress(Error, OSError):  # a lost connection is reported by the session
            await self._session.client.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{self._name}", orjson.dumps(request), self._reply
            )

    async def _pull(self, session: Session) -> None:
        self._interrupted.clear()
        self._requested = 0
        self._reply = session.client.new_inbox()
        unregister = session.when_lost(self._interrupted.set)
        inbox = await session.subscribe(self._reply, self._receive)
        self._session = session
        try:
            await self.refill()
            await self._watch()
        finally:
            self._session = None
            unregister()
            await _leave(session, inbox)

    async def _watch(self) -> None:
        """Return when messages or heartbeats stop."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await self._interrupted.wait()
                return
            silence = time.monotonic() - self._last_message
            if self._requested and silence > SILENCE_SECONDS:
                return
            self._start = utc_now() - timedelta(seconds=silence) - BACK

    async def _receive(self, message: Msg) -> None:
        self._last_message = time.monotonic()
        if message.reply:
            self._requested -= 1
            self._dispatcher.dispatch(message)
        else:
            await self._read_status(message.headers or {})

    async def _read_status(self, headers: dict[str, str]) -> None:
        """A heartbeat, the end of a request, or a problem."""
        status = headers.get("Status")
        if status == "100":
            return
        if status == "408" and (left := headers.get("Nats-Pending-Messages", "")).isdigit():
            self._requested -= int(left)
            await self.refill()
        else:
            _log.info(
                "pull request ended by the broker",
                consumer=self._name,
                status=status,
                text=headers.get("Description"),
            )
            self._interrupted.set()


async def _leave(session: Session, inbox: Inbox) -> None:
    """Receive the messages on their way, and no more."""
    if session.lost.is_set():
        return
    ends = [asyncio.ensure_future(inbox.drain()), asyncio.ensure_future(session.lost.wait())]  # type: ignore[no-untyped-call]
    try:
        await asyncio.wait(ends, timeout=LEAVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
