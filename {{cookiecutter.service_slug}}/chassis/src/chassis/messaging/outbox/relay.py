"""Publishes the messages of the outbox.

Any number of relays may run. Each claims lanes of the outbox that no other relay holds. An aggregate is always in the
same lane, and only one message of each aggregate is in flight at a time. So the events of an aggregate reach the broker
in order, whatever fails. A relay that dies after publishing publishes again: at least once. A message that the broker
refuses holds up those that follow on it, and no others.
"""

import asyncio
from collections.abc import Awaitable, Collection, Iterator, Sequence
from contextlib import suppress
from itertools import count

import structlog

from ...background import Backoff
from ...domain import Clock
from ...errors import Unavailable
from ..port import Broker, Message
from .metrics import OutboxMetrics
from .port import Batch, Outbox, OutboxListener
from .publish_backoff import PublishBackoff

BACKOFF = Backoff(first=0.1, longest=5)
# A database transaction is open while a batch is published; what is left comes with the next batch.
MAX_BATCH_SECONDS = 3.0
_log = structlog.stdlib.get_logger("relay")


class Relay:
    """From the outbox to the broker."""

    def __init__(self, outbox: Outbox, broker: Broker, metrics: OutboxMetrics, batch_size: int, now: Clock) -> None:
        self._outbox = outbox
        self._broker = broker
        self._metrics = metrics
        self._batch_size = batch_size
        self._now = now
        self._refused = PublishBackoff(BACKOFF)
        self._failures = 0  # since the broker has confirmed anything
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Publish until `stop` is called, and retry through outages."""
        async with self._outbox.listening() as listener:
            while not self._stopping.is_set():
                try:
                    await self._publish_next(listener)
                except Unavailable as error:
                    _log.warning("outbox not available", reason=str(error))
                    self._metrics.failures.inc()
                    await self._back_off()

    def stop(self) -> None:
        """Stop after the current batch."""
        self._stopping.set()

    async def _publish_next(self, listener: OutboxListener) -> None:
        """Publish one batch, or wait until there may be one."""
        async with self._outbox.claim(self._batch_size, self._refused.keys()) as batch:
            if batch.waiting:
                listener.busy()
                sent, confirmed = await self._publish(batch)
        if not batch.waiting:
            await self._wait_unless_stopped(listener.wait(), self._refused.wait())
            return
        newly_refused = self._refused.add({message.key for message in sent if message.id not in confirmed})
        if confirmed:
            self._failures = 0
        elif newly_refused:  # the broker may be away; repeated refusals of the same messages do not show that
            await self._back_off()

    async def _back_off(self) -> None:
        self._failures += 1
        await self._wait_unless_stopped(asyncio.sleep(BACKOFF.after(self._failures)))

    async def _publish(self, batch: Batch) -> tuple[Sequence[Message], Collection[str]]:
        """Returns the messages that were sent, and the ids of those that were confirmed."""
        sent: list[Message] = []
        confirmed: set[str] = set()
        reason = "not confirmed"
        clock = asyncio.get_running_loop().time
        begun = clock()
        try:
            for part in without_repeated_keys([each.message for each in batch.waiting], confirmed):
                sent += part
                confirmed.update(await self._broker.publish(part))
                if clock() - begun > MAX_BATCH_SECONDS:
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
            _log.warning("events not published", missing=missing, confirmed=len(confirmed), reason=reason)
        return sent, confirmed

    async def _wait_unless_stopped(self, *waiting: Awaitable[object]) -> None:
        """Return when the first of these is done."""
        tasks = {asyncio.ensure_future(each) for each in (*waiting, self._stopping.wait())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task


def without_repeated_keys(messages: Sequence[Message], confirmed: set[str]) -> Iterator[list[Message]]:
    """Split into batches in which no key is repeated: a message must not overtake the one before it if that fails.

    Args:
        messages: in order.
        confirmed: ids that the broker has confirmed so far; read again after each batch.
    """
    last: dict[str, str] = {}
    rest = list(messages)
    for number in count():
        if not rest:
            return
        batch: list[Message] = []
        later: list[Message] = []
        keys: set[str] = set()
        for message in rest:
            if message.key in keys:
                later.append(message)
            elif not number or last.get(message.key) in confirmed:
                batch.append(message)
                keys.add(message.key)
        last = {message.key: message.id for message in batch}
        rest = later
        if batch:
            yield batch
