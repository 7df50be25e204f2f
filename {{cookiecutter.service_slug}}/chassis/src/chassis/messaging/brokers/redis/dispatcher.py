"""Calls the handler with limited concurrency, and carries its verdicts to the server."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from ...port import Dead, Done, Handler, Retry, Return, Verdict
from .entries import StreamEntry
from .group import ConsumerGroup


class Dispatcher:
    """Entries that this process holds: from delivery until the server has accepted the verdict.

    An entry uses a slot for that time, which limits how many are held while the server is away.
    """

    def __init__(
        self,
        group: ConsumerGroup,
        handle: Handler,
        concurrency: int,
        tasks: asyncio.TaskGroup,
        on_returned: Callable[[float], None],
    ) -> None:
        self._group = group
        self._handle = handle
        self._tasks = tasks
        self._on_returned = on_returned
        self._slots = asyncio.Semaphore(concurrency)
        self._held: dict[tuple[str, bytes], StreamEntry] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._done: list[StreamEntry] = []
        self._others: deque[tuple[StreamEntry, Retry | Return | Dead]] = deque()
        self._decided = asyncio.Event()
        self._released = asyncio.Event()
        self._stopping = False
        self.free = concurrency

    @property
    def held(self) -> Sequence[tuple[str, bytes]]:
        """Stream and id of each entry."""
        return list(self._held)

    async def room(self) -> int:
        """Wait for a free slot; returns the number of free slots, at least one. The longest waiter goes first."""
        if not self._stopping:
            await self._slots.acquire()
            self._slots.release()
        return max(1, self.free)

    async def start(self, entries: Iterable[StreamEntry]) -> None:
        """Call the handler for each entry, in order, as slots become free."""
        new = [entry for entry in entries if (entry.stream, entry.id) not in self._held]
        self._held.update({(entry.stream, entry.id): entry for entry in new})
        for entry in new:
            if not self._stopping:
                await self._slots.acquire()
            self.free -= 1
            if self._stopping:
                self._decide(entry, Return("the consumer is stopping"))
                continue
            task = self._tasks.create_task(self._run(entry))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def settle(self) -> None:
        """Carry verdicts to the server: a step for `repeat`."""
        await self._decided.wait()
        self._decided.clear()
        try:
            if done := list(self._done):
                await self._group.acknowledge(done)
                del self._done[: len(done)]
                self._release(done)
            for _ in range(len(self._others)):
                await self._settle_next()
        except BaseException:
            self._decided.set()
            raise

    async def stop(self, seconds: float) -> None:
        """Call no more handlers and wait for those in flight, then a limited time for the server."""
        self.stop_starting()
        while self._running:
            await asyncio.wait(self._running)
        async with asyncio.timeout(seconds):
            while self._held:
                self._released.clear()
                await self._released.wait()

    def stop_starting(self) -> None:
        """From now on, entries are returned, and nothing waits for a slot."""
        self._stopping = True
        for _ in range(len(("reader", "claimer"))):
            self._slots.release()

    def wake(self) -> None:
        """Let `settle` return, so that its loop ends."""
        self._decided.set()

    async def _run(self, entry: StreamEntry) -> None:
        self._decide(entry, await self._handle(entry.delivery()))

    def _decide(self, entry: StreamEntry, verdict: Verdict) -> None:
        if isinstance(verdict, Done):
            self._done.append(entry)
        else:
            self._others.append((entry, verdict))
        self._decided.set()

    async def _settle_next(self) -> None:
        entry, verdict = self._others.popleft()
        try:
            match verdict:
                case Retry(after_seconds=seconds):
                    await self._group.return_entry(entry, entry.attempt, seconds)
                    self._on_returned(seconds)
                case Return():
                    await self._group.return_entry(entry, entry.attempt - 1, 0)
                case Dead(reason=reason):
                    await self._group.dead_letter(entry, reason)
        except BaseException:
            # To the end of the queue, so that an entry that cannot be settled holds up no other.
            self._others.append((entry, verdict))
            raise
        self._release([entry])

    def _release(self, entries: Iterable[StreamEntry]) -> None:
        for entry in entries:
            del self._held[entry.stream, entry.id]
            self.free += 1
            self._slots.release()
        self._released.set()
