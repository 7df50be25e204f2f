"""Starts handlers in the order of delivery, so many at once and no more, and carries out what they say."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count

import structlog

from ...domain.errors import Unavailable
from .backoff import Backoff
from .errors import TooLarge
from .partitions import Partition
from .port import Dead, Done, Handler, Retry, Subscription
from .producer import ConfirmingProducer, Record
from .records import Arrival, copies
from .topology import Topics

BACKOFF = Backoff(first=0.1, longest=5)
# What may wait in this process for a handler; the library holds as many bytes again.
READY_COUNT = 1_000
READY_BYTES = 16 * 1_024 * 1_024

_log = structlog.stdlib.get_logger("broker")


class Dispatcher:
    """What has come for one subscription and is not settled yet."""

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
        self._ready: deque[tuple[Partition, Arrival]] = deque()
        self._later: list[tuple[float, int, Partition, Arrival]] = []
        self._numbers = count()
        self._ready_bytes = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._alarm: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()

    def accept(self, partition: Partition, arrival: Arrival) -> None:
        """Handle it when it is due and its turn has come."""
        if self._ending.is_set():
            return
        partition.arrived(arrival)
        if arrival.due and arrival.due > time.time():
            partition.wait(arrival.size)
            heappush(self._later, (arrival.due, next(self._numbers), partition, arrival))
            self._set_alarm()
        else:
            self._make_ready(partition, arrival)
            self._start()

    async def has_room(self, seconds: float) -> bool:
        """Wait until more may come, so long at most."""
        try:
            async with asyncio.timeout(seconds):
                await self._has_room.wait()
        except TimeoutError:
            return False
        return True

    async def end(self, let_go: Callable[[], None]) -> None:
        """Start nothing any more, have handlers give back what they hold, and wait for those at work."""
        self._ending.set()
        self._ready.clear()
        self._later.clear()
        if self._alarm is not None:
            self._alarm.cancel()
        let_go()
        while self._running:
            await asyncio.wait(self._running)

    def _make_ready(self, partition: Partition, arrival: Arrival) -> None:
        self._ready.append((partition, arrival))
        self._ready_bytes += arrival.size
        if len(self._ready) >= READY_COUNT or self._ready_bytes >= READY_BYTES:
            self._has_room.clear()

    def _start(self) -> None:
        while self._free and self._ready:
            partition, arrival = self._ready.popleft()
            self._ready_bytes -= arrival.size
            if partition.is_gone:
                continue
            self._free -= 1
            task = self._tasks.create_task(self._settle(partition, arrival))
            for tasks in (self._running, partition.tasks):
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        if len(self._ready) <= READY_COUNT // 2 and self._ready_bytes <= READY_BYTES // 2:
            self._has_room.set()

    async def _settle(self, partition: Partition, arrival: Arrival) -> None:
        try:
            match await self._handle(arrival.delivery()):
                case Done():
                    is_settled = True
                case (Retry() | Dead()) as verdict:
                    is_settled = await self._is_kept(copies(arrival, self._subscription, verdict))
            if is_settled:
                partition.settled(arrival)
        finally:
            self._free += 1
            self._start()

    async def _is_kept(self, copies: Iterator[Record]) -> bool:
        """Send a copy until it is confirmed, or the next one if it is too large.

        Given up only at the end: then the message comes again.
        """
        copy = next(copies)
        failures = 0
        while True:
            try:
                return bool(await self._producer.send([copy]))
            except Unavailable as error:
                if isinstance(error, TooLarge) and (smaller := next(copies, None)) is not None:
                    _log.warning("a message is too large to be kept whole", topic=copy.topic)
                    copy = smaller
                    continue
                failures += 1
                _log.warning("cannot put a message aside now", topic=copy.topic, reason=error.reason)
                if self._ending.is_set():
                    return False
                with suppress(TimeoutError):
                    async with asyncio.timeout(BACKOFF.after(failures)):
                        await self._ending.wait()
                with suppress(Unavailable):
                    self._topics.doubt()
                    await self._topics.declare(self._subscription)

    def _set_alarm(self) -> None:
        loop = asyncio.get_running_loop()
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = loop.call_later(max(0.0, self._later[0][0] - time.time()), self._ring)

    def _ring(self) -> None:
        now = time.time()
        while self._later and (self._later[0][0] <= now or self._later[0][2].is_gone):
            _, _, partition, arrival = heappop(self._later)
            partition.wait_no_more(arrival.size)
            self._make_ready(partition, arrival)
        if self._later:
            self._set_alarm()
        self._start()
