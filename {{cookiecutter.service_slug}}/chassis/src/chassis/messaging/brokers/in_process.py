"""A broker within the process, for unit tests and a first try: its messages are gone when the process ends."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count

import structlog

from ...identity import utc_now
from ..port import (
    CONTENT_TYPE,
    Dead,
    DeadLetter,
    DeadLetterNotFound,
    Delivery,
    Depth,
    Done,
    Handler,
    Message,
    Retry,
    Return,
    Subscription,
    channel_of,
    noop,
)

_log = structlog.stdlib.get_logger("broker")


@dataclass(slots=True)
class _Queue:
    """The messages of one subscription, shared by all its consumers."""

    channels: set[str] = field(default_factory=set)
    ready: deque[Delivery] = field(default_factory=deque)
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    unfinished: int = 0
    dead: dict[str, DeadLetter] = field(default_factory=dict)

    def put(self, delivery: Delivery) -> None:
        self.ready.append(delivery)
        self.filled.set()

    async def get(self) -> Delivery:
        while not self.ready:
            self.filled.clear()
            await self.filled.wait()
        self.unfinished += 1
        return self.ready.popleft()


class InProcessBroker:
    """A queue in memory for each subscription."""

    kind = "in-process"

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}
        self._ids = count(1)

    async def open(self) -> None:
        """Nothing to open; a log line says where events are."""
        _log.warning("no BROKER_URL: events stay within this process")

    async def close(self) -> None:
        """Does nothing."""

    async def check(self) -> None:
        """Always available."""

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Put each message into every queue that is subscribed to its channel."""
        for message in messages:
            delivery = Delivery(message.body, {"content-type": CONTENT_TYPE})
            for queue in self._queues.values():
                if channel_of(message.type) in queue.channels:
                    queue.put(delivery)
        return [message.id for message in messages]

    @asynccontextmanager
    async def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        on_stopping: Callable[[], None] = noop,
    ) -> AsyncIterator[None]:
        """Deliver from the subscription's queue."""
        queue = self._queue(subscription)
        queue.channels.update(subscription.channels)
        slots = asyncio.Semaphore(concurrency)
        async with asyncio.TaskGroup() as tasks:
            receiving = tasks.create_task(self._receive(queue, handle, slots, tasks))
            try:
                yield
            finally:
                receiving.cancel()
                on_stopping()

    async def dead_letters(self, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """The oldest first."""
        return list(self._queue(subscription).dead.values())[:limit]

    async def dead_letter(self, subscription: Subscription, id: str) -> DeadLetter:
        """One of them."""
        try:
            return self._queue(subscription).dead[id]
        except KeyError:
            raise DeadLetterNotFound(id) from None

    async def replay(self, subscription: Subscription, id: str) -> None:
        """Put a dead letter back into the queue."""
        letter = await self.dead_letter(subscription, id)
        queue = self._queue(subscription)
        queue.put(Delivery(letter.body, letter.headers))
        del queue.dead[id]

    async def discard(self, subscription: Subscription, id: str) -> None:
        """Delete a dead letter."""
        await self.dead_letter(subscription, id)
        del self._queue(subscription).dead[id]

    async def depth(self, subscription: Subscription) -> Depth:
        """The number of messages."""
        queue = self._queue(subscription)
        return Depth(waiting=len(queue.ready) + queue.unfinished, dead=len(queue.dead))

    async def unrouted(self) -> None:
        """None is kept aside: an event without subscription is dropped."""

    def _queue(self, subscription: Subscription) -> _Queue:
        return self._queues.setdefault(subscription.name, _Queue())

    async def _receive(
        self,
        queue: _Queue,
        handle: Handler,
        slots: asyncio.Semaphore,
        tasks: asyncio.TaskGroup,
    ) -> None:
        while True:
            async with slots:
                delivery = await queue.get()
            # Does not wait: no other task runs between these two lines, so the slot is still free.
            await slots.acquire()
            tasks.create_task(self._settle(queue, delivery, handle)).add_done_callback(lambda _: slots.release())

    async def _settle(self, queue: _Queue, delivery: Delivery, handle: Handler) -> None:
        match await handle(delivery):
            case Done():
                queue.unfinished -= 1
            case Retry(after_seconds=seconds):
                again = replace(delivery, attempt=delivery.attempt + 1)
                asyncio.get_running_loop().call_later(seconds, self._put_back, queue, again)
            case Return():
                self._put_back(queue, delivery)
            case Dead(reason=reason):
                letter = DeadLetter(
                    id=str(next(self._ids)),
                    reason=reason,
                    attempts=delivery.attempt,
                    failed_at=utc_now(),
                    headers=delivery.headers,
                    body=delivery.body,
                )
                queue.dead[letter.id] = letter
                queue.unfinished -= 1

    @staticmethod
    def _put_back(queue: _Queue, delivery: Delivery) -> None:
        queue.unfinished -= 1
        queue.put(delivery)
