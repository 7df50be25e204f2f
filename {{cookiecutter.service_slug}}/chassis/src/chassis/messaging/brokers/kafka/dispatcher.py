"""Calls handlers in the order of delivery with limited concurrency, and carries out their verdicts."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count

import structlog

from ....background import Backoff, is_set_within
from ....errors import Unavailable
from ...port import Dead, Done, Handler, Retry, Return, Subscription
from .errors import TooLarge
from .partitions import Partition
from .producer import ConfirmingProducer, Record
from .records import ReceivedRecord, copies
from .topology import Topics

BACKOFF = Backoff(first=0.1, longest=5)
# Limits for messages that wait in this process for a handler; the library buffers as many bytes again.
READY_COUNT = 1_000
READY_BYTES = 16 * 1_024 * 1_024

_log = structlog.stdlib.get_logger("broker")


class Dispatcher:
    """Received messages of one subscription that are not settled yet."""

    def __init__(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        producer: ConfirmingProducer,
        topics: Topics,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._subscription = subscription
        self._handle = handle
        self._free = concurrency
        self._producer = producer
        self._topics = topics
        self._tasks = tasks
        self._ready: deque[tuple[Partition, ReceivedRecord]] = deque()
        self._delayed: list[tuple[float, int, Partition, ReceivedRecord]] = []
        self._numbers = count()
        self._ready_bytes = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._timer: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    def accept(self, partition: Partition, received: ReceivedRecord) -> None:
        """Handle a message when it is due and its turn has come."""
        if self._stopping.is_set():
            return
        partition.add(received)
        if received.due and received.due > time.time():
            partition.delay(received.size)
            heappush(self._delayed, (received.due, next(self._numbers), partition, received))
            self._set_timer()
        else:
            self._make_ready(partition, received)
            self._start()

    async def has_room(self, seconds: float) -> bool:
        """Wait until more messages fit, for a limited time."""
        try:
            async with asyncio.timeout(seconds):
                await self._has_room.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self, on_stopping: Callable[[], None]) -> None:
        """Start no more handlers, call `on_stopping`, and wait for the handlers in flight."""
        self._stopping.set()
        self._ready.clear()
        self._delayed.clear()
        if self._timer is not None:
            self._timer.cancel()
        on_stopping()
        while self._running:
            await asyncio.wait(self._running)

    def _make_ready(self, partition: Partition, received: ReceivedRecord) -> None:
        self._ready.append((partition, received))
        self._ready_bytes += received.size
        if len(self._ready) >= READY_COUNT or self._ready_bytes >= READY_BYTES:
            self._has_room.clear()

    def _start(self) -> None:
        while self._free and self._ready:
            partition, received = self._ready.popleft()
            self._ready_bytes -= received.size
            if partition.is_revoked:
                continue
            self._free -= 1
            task = self._tasks.create_task(self._process(partition, received))
            for tasks in (self._running, partition.tasks):
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        if len(self._ready) <= READY_COUNT // 2 and self._ready_bytes <= READY_BYTES // 2:
            self._has_room.set()

    async def _process(self, partition: Partition, received: ReceivedRecord) -> None:
        try:
            match await self._handle(received.delivery()):
                case Done():
                    is_settled = True
                case Return():
                    is_settled = False  # the next member begins with it
                case (Retry() | Dead()) as verdict:
                    is_settled = await self._store_copy(copies(received, self._subscription, verdict))
            if is_settled:
                partition.settle(received)
        finally:
            self._free += 1
            self._start()

    async def _store_copy(self, copies: Iterator[Record]) -> bool:
        """Send a copy until it is confirmed, or the next smaller one if it is too large.

        Returns:
            False if it was not confirmed before the end: the message is then redelivered.
        """
        copy = next(copies)
        failures = 0
        while True:
            try:
                return bool(await self._producer.send([copy]))
            except Unavailable as error:
                if isinstance(error, TooLarge) and (smaller := next(copies, None)) is not None:
                    _log.warning("message too large for a full copy", topic=copy.topic)
                    copy = smaller
                    continue
                failures += 1
                _log.warning("cannot retry or dead-letter message; trying again", topic=copy.topic, reason=error.reason)
                if self._stopping.is_set():
                    return False
                await is_set_within(self._stopping, BACKOFF.after(failures))
                with suppress(Unavailable):
                    self._topics.invalidate()
                    await self._topics.declare(self._subscription)

    def _set_timer(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(max(0.0, self._delayed[0][0] - time.time()), self._release_due)

    def _release_due(self) -> None:
        now = time.time()
        while self._delayed and (self._delayed[0][0] <= now or self._delayed[0][2].is_revoked):
            _, _, partition, received = heappop(self._delayed)
            partition.end_delay(received.size)
            self._make_ready(partition, received)
        if self._delayed:
            self._set_timer()
        self._start()
