"""Runs the handler, for at most so many messages at once as are allowed, and settles each with the server."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

import orjson
import structlog
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js.errors import NotFoundError

from ....errors import Unavailable
from ...port import Dead, Done, Handler, Retry, Return, Subscription, Verdict
from .connection import ReconnectingConnection
from .dead_letter_stream import DeadLetterStreams
from .received import ReceivedMessage
from .session import Session
from .topology import ACK_WAIT_SECONDS

ALIVE_SECONDS = ACK_WAIT_SECONDS / 3
# The processor ends attempts long before. This is for a message that kills its process each time.
LAST_DELIVERY = 1_000
# A message that never reached its handler is returned at the cost of a delivery at most so often.
UNHANDLED_DELIVERIES = 2
RECONNECT_SECONDS = 5  # to wait for a connection when a verdict is to be sent; without it the message is redelivered
AGAIN_SECONDS = 5
SETTLED_SECONDS = 2

ACK = b"+ACK"
NAK = b"-NAK"
IN_PROGRESS = b"+WPI"

_log = structlog.stdlib.get_logger("broker")


class Dispatcher:
    """Messages of one subscription on their way through its handler."""

    def __init__(
        self,
        connection: ReconnectingConnection,
        dead_letters: DeadLetterStreams,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
    ) -> None:
        self._connection = connection
        self._dead_letters = dead_letters
        self._subscription = subscription
        self._handle = handle
        self._concurrency = concurrency
        self._waiting: deque[ReceivedMessage] = deque()
        self._running: set[ReceivedMessage] = set()
        self._acknowledged: dict[str, str] = {}
        self._idle = asyncio.Event()

    def start(self, tasks: asyncio.TaskGroup, freed: Callable[[], Awaitable[None]]) -> None:
        """Begin.

        Args:
            tasks: where handlers run.
            freed: called when there is room for more.
        """
        self._tasks = tasks
        self._freed = freed

    @property
    def room(self) -> int:
        """How many more messages could be handled at once."""
        return self._concurrency - len(self._running) - len(self._waiting)

    def dispatch(self, message: Msg) -> None:
        """Handle it, now or when there is room."""
        self._waiting.append(ReceivedMessage.of(message))
        self._begin()

    async def stay_alive(self) -> None:
        """Extend, again and again, the time after which the server would redeliver the messages held here."""
        while True:
            await asyncio.sleep(ALIVE_SECONDS)
            with suppress(Unavailable, Error, OSError):
                client = self._connection.session().client
                for received in [*self._running, *self._waiting]:
                    await client.publish(received.reply, IN_PROGRESS)

    async def stop(self, on_stopping: Callable[[], None]) -> None:
        """Return messages not yet handled, have handlers return theirs, and wait for handlers in flight."""
        while self._waiting:
            await self._return_unhandled(self._waiting.popleft())
        on_stopping()
        while self._running:
            self._idle.clear()
            await self._idle.wait()
        await self._settled()

    def _begin(self) -> None:
        while self._waiting and len(self._running) < self._concurrency:
            received = self._waiting.popleft()
            self._running.add(received)
            self._tasks.create_task(self._run(received))

    async def _run(self, received: ReceivedMessage) -> None:
        try:
            await self._settle(received, await self._decide(received))
        finally:
            self._running.discard(received)
            if not self._running:
                self._idle.set()
        self._begin()
        await self._freed()

    async def _decide(self, received: ReceivedMessage) -> Verdict:
        if not received.is_whole:
            try:
                received.delivery = await self._dead_letters.read_original(await self._session(), received)
            except NotFoundError:
                return Dead(f"{received.original.place}, which was replayed, no longer exists")
            except (Unavailable, Error, OSError) as error:
                _log.warning("cannot read original of replayed dead letter; retrying", reason=str(error))
                return Retry(AGAIN_SECONDS, str(error))
        attempt = received.delivery.attempt
        if attempt > LAST_DELIVERY:
            return Dead(f"delivered {attempt} times without a result")
        return await self._handle(received.delivery)

    async def _settle(self, received: ReceivedMessage, verdict: Verdict) -> None:
        match verdict:
            case Done():
                await self._answer(received, ACK)
            case Retry(after_seconds=seconds):
                await self._answer(received, _nak(seconds))
            case Return():
                await self._answer(received, await self._return(received))
            case Dead(reason=reason):
                await self._answer(received, await self._dead_letter(received, reason))

    async def _return_unhandled(self, received: ReceivedMessage) -> None:
        """Keep its place, which a copy does not, unless the deliveries that this costs become too many."""
        is_old = received.delivery.attempt > UNHANDLED_DELIVERIES
        await self._answer(received, await self._return(received) if is_old else NAK)

    async def _return(self, received: ReceivedMessage) -> bytes:
        try:
            await self._dead_letters.store_returned(await self._session(), self._subscription, received)
        except (Unavailable, Error, OSError) as error:
            _log.warning("cannot return message uncounted; it will be redelivered", reason=str(error))
            return NAK
        return ACK

    async def _dead_letter(self, received: ReceivedMessage, reason: str) -> bytes:
        try:
            session = await self._session()
            await self._dead_letters.store(session, self._subscription, received, reason)
        except (Unavailable, Error, OSError) as error:
            _log.warning("cannot dead-letter message; it will be redelivered", reason=str(error))
            return _nak(AGAIN_SECONDS)
        return ACK

    async def _answer(self, received: ReceivedMessage, answer: bytes) -> None:
        """Settle a message. If that fails, the server redelivers it, so a connection is not awaited for long."""
        with suppress(Unavailable, Error, OSError):
            session = await self._session()
            await session.client.publish(received.reply, answer)
            if answer == ACK:
                self._acknowledged[received.consumer] = received.reply

    async def _session(self) -> Session:
        try:
            return self._connection.session()
        except Unavailable:
            async with asyncio.timeout(RECONNECT_SECONDS):
                return await self._connection.wait()

    async def _settled(self) -> None:
        """Wait until the server has read every acknowledgement.

        It does not confirm them, but reads them in order: repeating the last one, with confirmation, is enough.
        """
        with suppress(Unavailable, Error, OSError):
            client = self._connection.session().client
            for reply in self._acknowledged.values():
                await client.request(reply, ACK, timeout=SETTLED_SECONDS)


def _nak(seconds: float) -> bytes:
    if seconds <= 0:
        return NAK
    return NAK + b" " + orjson.dumps({"delay": int(seconds * 1e9)})
