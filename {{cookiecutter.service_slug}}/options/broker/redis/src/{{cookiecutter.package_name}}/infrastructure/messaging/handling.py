"""Runs the handler, at most so many times at once, and brings what it says to the server."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .entries import StreamEntry
from .group import ConsumerGroup
from .port import Dead, Done, Handler, Retry


@dataclass(frozen=True, slots=True)
class Unhandled:
    """Nobody has begun with it: anybody may have it, and nothing is counted."""


class Handling:
    """What this process holds: from delivery until the server has taken the verdict.

    As long as that an entry takes a slot: while the server is away, no more than that piles up.
    """

    def __init__(
        self,
        group: ConsumerGroup,
        handle: Handler,
        concurrency: int,
        tasks: asyncio.TaskGroup,
        comes_again: Callable[[float], None],
    ) -> None:
        self._group = group
        self._handle = handle
        self._tasks = tasks
        self._comes_again = comes_again
        self._slots = asyncio.Semaphore(concurrency)
        self._held: dict[tuple[str, bytes], StreamEntry] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._done: list[StreamEntry] = []
        self._others: deque[tuple[StreamEntry, Retry | Dead | Unhandled]] = deque()
        self._decided = asyncio.Event()
        self._let_go = asyncio.Event()
        self._ending = False
        self.free = concurrency

    @property
    def held(self) -> Sequence[tuple[str, bytes]]:
        """Stream and id of each."""
        return list(self._held)

    async def room(self) -> int:
        """Wait for a free slot; how many there are, at least one, to whoever waited longest."""
        if not self._ending:
            await self._slots.acquire()
            self._slots.release()
        return max(1, self.free)

    async def start(self, entries: Iterable[StreamEntry]) -> None:
        """Start the handler for each, one after the other, as slots become free."""
        fresh = [entry for entry in entries if (entry.stream, entry.id) not in self._held]
        self._held.update({(entry.stream, entry.id): entry for entry in fresh})
        for entry in fresh:
            if not self._ending:
                await self._slots.acquire()
            self.free -= 1
            if self._ending:
                self._decide(entry, Unhandled())
                continue
            task = self._tasks.create_task(self._run(entry))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def settle(self) -> None:
        """Bring verdicts to the server: a step for `keep_doing`."""
        await self._decided.wait()
        self._decided.clear()
        try:
            if done := list(self._done):
                await self._group.done(done)
                del self._done[: len(done)]
                self._release(done)
            for _ in range(len(self._others)):
                await self._settle_next()
        except BaseException:
            self._decided.set()
            raise

    async def end(self, seconds: float) -> None:
        """Start no handler any more and wait for those that run, then a limited time for the server."""
        self.stop_starting()
        while self._running:
            await asyncio.wait(self._running)
        async with asyncio.timeout(seconds):
            while self._held:
                self._let_go.clear()
                await self._let_go.wait()

    def stop_starting(self) -> None:
        """From now on entries are put back. Nobody waits for a slot any more."""
        self._ending = True
        for _ in range(len(("reader", "taker"))):
            self._slots.release()

    def wake(self) -> None:
        """Let `settle` see that its time has come to end."""
        self._decided.set()

    async def _run(self, entry: StreamEntry) -> None:
        self._decide(entry, await self._handle(entry.delivery()))

    def _decide(self, entry: StreamEntry, verdict: Done | Retry | Dead | Unhandled) -> None:
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
                    await self._group.put_back(entry, entry.attempt, seconds)
                    self._comes_again(seconds)
                case Unhandled():
                    await self._group.put_back(entry, entry.attempt - 1, 0)
                case Dead(reason=reason):
                    await self._group.bury(entry, reason)
        except BaseException:
            # Behind the others: one that cannot be settled holds up nobody.
            self._others.append((entry, verdict))
            raise
        self._release([entry])

    def _release(self, entries: Iterable[StreamEntry]) -> None:
        for entry in entries:
            del self._held[entry.stream, entry.id]
            self.free += 1
            self._slots.release()
        self._let_go.set()
