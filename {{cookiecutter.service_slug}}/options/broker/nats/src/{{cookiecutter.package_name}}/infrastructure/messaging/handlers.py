"""Runs the handler, for so many messages at once as are allowed, and tells the server what came of each."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

import orjson
import structlog
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js.errors import NotFoundError

from ...domain.errors import Unavailable
from .connections import Connection
from .dead_letters import DeadLetters
from .port import Dead, Done, Handler, Retry, Subscription, Verdict
from .sessions import Session
from .taken import Taken
from .topology import ACK_WAIT_SECONDS

ALIVE_SECONDS = ACK_WAIT_SECONDS / 3
# Whoever decides about messages has decided long before. This is for the message that ends the process each time.
LAST_DELIVERY = 1_000
PATIENCE_SECONDS = 5  # with a connection that is away, when a verdict is to be told; the message comes again without
AGAIN_SECONDS = 5
SETTLED_SECONDS = 2

ACK = b"+ACK"
NAK = b"-NAK"
IN_PROGRESS = b"+WPI"

log = structlog.stdlib.get_logger("broker")


class Handlers:
    """Messages of one subscription on their way through its handler."""

    def __init__(
        self,
        connection: Connection,
        dead_letters: DeadLetters,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
    ) -> None:
        self._connection = connection
        self._dead_letters = dead_letters
        self._subscription = subscription
        self._handle = handle
        self._concurrency = concurrency
        self._waiting: deque[Taken] = deque()
        self._running: set[Taken] = set()
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
        """How many more could be handled at once."""
        return self._concurrency - len(self._running) - len(self._waiting)

    def take(self, message: Msg) -> None:
        """Hand it to the handler, now or when there is room."""
        self._waiting.append(Taken.of(message))
        self._begin()

    async def stay_alive(self) -> None:
        """Tell the server again and again that what is here is not forgotten."""
        while True:
            await asyncio.sleep(ALIVE_SECONDS)
            with suppress(Unavailable, Error, OSError):
                client = self._connection.session().client
                for taken in [*self._running, *self._waiting]:
                    await client.publish(taken.reply, IN_PROGRESS)

    async def end(self, let_go: Callable[[], None]) -> None:
        """Give back what has not begun, have handlers give back what they hold, and wait for those at work."""
        while self._waiting:
            await self._answer(self._waiting.popleft(), NAK)
        let_go()
        while self._running:
            self._idle.clear()
            await self._idle.wait()
        await self._settled()

    def _begin(self) -> None:
        while self._waiting and len(self._running) < self._concurrency:
            taken = self._waiting.popleft()
            self._running.add(taken)
            self._tasks.create_task(self._run(taken))

    async def _run(self, taken: Taken) -> None:
        try:
            await self._settle(taken, await self._decide(taken))
        finally:
            self._running.discard(taken)
            if not self._running:
                self._idle.set()
        self._begin()
        await self._freed()

    async def _decide(self, taken: Taken) -> Verdict:
        if not taken.is_whole:
            try:
                taken.delivery = await self._dead_letters.whole(await self._session(), taken)
            except NotFoundError:
                return Dead(f"{taken.original.place}, which was replayed, is gone")
            except (Unavailable, Error, OSError) as error:
                log.warning("what a replayed letter stands for cannot be read; it comes again", reason=str(error))
                return Retry(AGAIN_SECONDS, str(error))
        attempt = taken.delivery.attempt
        if attempt > LAST_DELIVERY:
            return Dead(f"delivered {attempt} times, and never settled")
        return await self._handle(taken.delivery)

    async def _settle(self, taken: Taken, verdict: Verdict) -> None:
        match verdict:
            case Done():
                await self._answer(taken, ACK)
            case Retry(after_seconds=seconds):
                await self._answer(taken, _nak(seconds))
            case Dead(reason=reason):
                await self._answer(taken, await self._put_aside(taken, reason))

    async def _put_aside(self, taken: Taken, reason: str) -> bytes:
        try:
            session = await self._session()
            await self._dead_letters.store(session, self._subscription, taken, reason)
        except (Unavailable, Error, OSError) as error:
            log.warning("a dead letter could not be stored; the message comes again", reason=str(error))
            return _nak(AGAIN_SECONDS)
        return ACK

    async def _answer(self, taken: Taken, answer: bytes) -> None:
        """Without it the message comes again after its time; so it is not worth waiting long for a connection."""
        with suppress(Unavailable, Error, OSError):
            session = await self._session()
            await session.client.publish(taken.reply, answer)
            if answer == ACK:
                self._acknowledged[taken.consumer] = taken.reply

    async def _session(self) -> Session:
        try:
            return self._connection.session()
        except Unavailable:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._connection.wait()

    async def _settled(self) -> None:
        """Wait until the server has taken in every answer.

        Answers are not confirmed, but taken in one after the other: repeating the last one, confirmed, is enough.
        """
        with suppress(Unavailable, Error, OSError):
            client = self._connection.session().client
            for reply in self._acknowledged.values():
                await client.request(reply, ACK, timeout=SETTLED_SECONDS)


def _nak(seconds: float) -> bytes:
    if seconds <= 0:
        return NAK
    return NAK + b" " + orjson.dumps({"delay": int(seconds * 1e9)})
