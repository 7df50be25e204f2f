"""Takes events out of the outbox and publishes them.

Any number of relays may run. Each takes lanes of the outbox that no other one holds; an aggregate is always in the same
lane, and of each aggregate only one event at a time is under way. So the events of an aggregate reach the broker in
order, whatever fails. A relay that dies after publishing publishes again: at least once. An event that the broker
refuses holds up those that follow on it, and no others.
"""

import asyncio
from collections.abc import Awaitable, Collection, Iterator, Sequence
from contextlib import suppress
from itertools import count

import structlog

from ...domain.errors import Unavailable
from ...domain.ports import Clock
from .backoff import Backoff
from .metrics import RelayMetrics
from .port import Broker, Message
from .refusals import Refusals
from .store import Arrivals, Batch, MessageStore

BACKOFF = Backoff(first=0.1, longest=5)
# A database transaction is open while a batch is published; the rest comes with the next one.
LONGEST_SECONDS = 3.0
_log = structlog.stdlib.get_logger("relay")


class Relay:
    """From the outbox to the broker."""

    def __init__(self, store: MessageStore, broker: Broker, metrics: RelayMetrics, batch_size: int, now: Clock) -> None:
        self._store = store
        self._broker = broker
        self._metrics = metrics
        self._batch_size = batch_size
        self._now = now
        self._refusals = Refusals(BACKOFF)
        self._failures = 0  # since the broker has confirmed anything
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Publish until `stop` is called; outages are waited out."""
        async with self._store.arrivals() as arrivals:
            while not self._stopping.is_set():
                try:
                    await self._round(arrivals)
                except Unavailable as error:
                    _log.warning("cannot read the outbox now", reason=str(error))
                    self._metrics.failures.inc()
                    await self._back_off()

    def stop(self) -> None:
        """End after the batch at hand."""
        self._stopping.set()

    async def _round(self, arrivals: Arrivals) -> None:
        """One batch, or a look for one."""
        async with self._store.take(self._batch_size, self._refusals.keys()) as batch:
            if batch.waiting:
                arrivals.busy()
                sent, confirmed = await self._publish(batch)
        if not batch.waiting:
            await self._unless_stopped(arrivals.wait(), self._refusals.over())
            return
        surprising = self._refusals.add({message.key for message in sent if message.id not in confirmed})
        if confirmed:
            self._failures = 0
        elif surprising:  # the broker may be away; that it refuses what it refused before tells nothing
            await self._back_off()

    async def _back_off(self) -> None:
        self._failures += 1
        await self._unless_stopped(asyncio.sleep(BACKOFF.after(self._failures)))

    async def _publish(self, batch: Batch) -> tuple[Sequence[Message], Collection[str]]:
        """Gives what was sent, and the ids of what was confirmed."""
        sent: list[Message] = []
        confirmed: set[str] = set()
        reason = "not confirmed"
        begun = self._now()
        try:
            for wave in waves([each.message for each in batch.waiting], confirmed):
                sent += wave
                confirmed.update(await self._broker.publish(wave))
                if (self._now() - begun).total_seconds() > LONGEST_SECONDS:
                    break
        except Unavailable as error:
            reason = str(error)
        if confirmed:
            await batch.remove(confirmed)
            _log.debug("events published", count=len(confirmed))
            oldest = next(each.since for each in batch.waiting if each.message.id in confirmed)
            self._metrics.published(len(confirmed), (self._now() - oldest).total_seconds())
        missing = len(batch.waiting) - len(confirmed)
        if missing:
            self._metrics.failures.inc()
            _log.warning("events wait in the outbox", missing=missing, confirmed=len(confirmed), reason=reason)
        return sent, confirmed

    async def _unless_stopped(self, *waiting: Awaitable[object]) -> None:
        """Until the first of these is over."""
        tasks = {asyncio.ensure_future(each) for each in (*waiting, self._stopping.wait())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task


def waves(messages: Sequence[Message], confirmed: set[str]) -> Iterator[list[Message]]:
    """Split into parts with no key twice: what follows on a message must not overtake it if that fails.

    Args:
        messages: in order.
        confirmed: ids that the broker has confirmed so far; read after each wave.
    """
    last: dict[str, str] = {}
    rest = list(messages)
    for number in count():
        if not rest:
            return
        wave: list[Message] = []
        later: list[Message] = []
        taken: set[str] = set()
        for message in rest:
            if message.key in taken:
                later.append(message)
            elif not number or last.get(message.key) in confirmed:
                wave.append(message)
                taken.add(message.key)
        last = {message.key: message.id for message in wave}
        rest = later
        if wave:
            yield wave
