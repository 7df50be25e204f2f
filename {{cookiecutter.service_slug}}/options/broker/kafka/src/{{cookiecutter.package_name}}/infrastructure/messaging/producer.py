"""Sends records and waits until each is confirmed or refused."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as KafkaMessage

from .closing import closed_in_time
from .connections import Connections
from .errors import QUEUE_FULL, TIMED_OUT, is_fatal

# A report is looked for this often; less and less often while none comes, as when the servers are away.
QUICKEST_LOOK_SECONDS = 0.001
SLOWEST_LOOK_SECONDS = 0.02
# Purged messages are reported at once, but by another thread.
PURGE_SECONDS = 1

_log = structlog.stdlib.get_logger("broker")
RawHeaders = Sequence[tuple[str, bytes | None]]


class Record(NamedTuple):
    """What goes into a topic; partition -1 leaves the choice to the key.

    Without a value it marks what its key names as gone.
    """

    id: str
    topic: str
    key: str | bytes | None
    value: bytes | None
    headers: RawHeaders
    partition: int = -1


class _Batch:
    """What has become of records that were sent together."""

    __slots__ = ("confirmed", "error", "pending")

    def __init__(self) -> None:
        self.confirmed: list[str] = []
        self.error: KafkaError | None = None
        self.pending = 0

    def report(self, id: str, error: KafkaError | None, _: KafkaMessage) -> None:
        self.pending -= 1
        if error is None:
            self.confirmed.append(id)
        else:
            self.error = error


class ConfirmingProducer:
    """One producer of librdkafka, replaced if it breaks for good.

    Its reports are looked for by the event loop itself: a thread of their own would have to share the interpreter with
    the loop once for each message.
    """

    def __init__(self, connections: Connections, timeout_seconds: float) -> None:
        self._connections = connections
        self._timeout = timeout_seconds
        self._producer: Producer | None = None

    def open(self) -> Producer:
        """Begin to connect: a producer needs a moment until it has its identity, on which order depends."""
        if self._producer is None:
            self._producer = self._connections.producer()
        return self._producer

    async def send(self, records: Iterable[Record]) -> Collection[str]:
        """Send in order, all at once.

        Returns:
            ids of the records that were confirmed.

        Raises:
            Unavailable: not one of them was.
        """
        producer = self.open()
        batch = _Batch()
        self._queue(producer, records, batch)
        try:
            async with asyncio.timeout(self._timeout):
                await self._all_reported(producer, batch)
        except TimeoutError:
            await self._give_up(producer, batch)
        if batch.error is not None:
            self._judge(batch.error, producer)
            if not batch.confirmed:
                raise self._connections.why(batch.error.code())
        self._connections.answered()
        return batch.confirmed

    def serve(self) -> None:
        """Let the library tell what has happened while nothing is sent."""
        if self._producer is not None:
            self._producer.poll(0)

    async def close(self) -> None:
        """Everything that was sent is reported: nothing to wait for."""
        if self._producer is not None:
            await self._discard(self._producer)

    def _queue(self, producer: Producer, records: Iterable[Record], batch: _Batch) -> None:
        """Up to the first one that finds no room: what comes after it must not overtake it."""
        produce, report = producer.produce, batch.report
        try:
            for id, topic, key, value, headers, partition in records:
                produce(
                    topic,
                    value,
                    key,
                    partition,
                    on_delivery=partial(report, id),
                    headers=headers,  # type: ignore[arg-type]
                )
                batch.pending += 1
        except BufferError:
            batch.error = KafkaError(QUEUE_FULL)
        except KafkaException as error:
            batch.error = error.args[0]

    async def _all_reported(self, producer: Producer, batch: _Batch) -> None:
        pause = QUICKEST_LOOK_SECONDS
        while batch.pending:
            if not producer.poll(0):
                await asyncio.sleep(pause)
                pause = min(pause * 1.1, SLOWEST_LOOK_SECONDS)

    async def _give_up(self, producer: Producer, batch: _Batch) -> None:
        """All that waits is dropped at one moment, so that nothing of it arrives before what will be sent again."""
        producer.purge(blocking=False)
        with suppress(TimeoutError):
            async with asyncio.timeout(PURGE_SECONDS):
                await self._all_reported(producer, batch)
        batch.error = batch.error or KafkaError(TIMED_OUT)

    def _judge(self, error: KafkaError, producer: Producer) -> None:
        _log.warning("not everything was confirmed", error=error.name(), fatal=error.fatal())
        if is_fatal(error):
            self._producer = None
            self._closing = asyncio.create_task(self._discard(producer))

    async def _discard(self, producer: Producer) -> None:
        self._connections.forget(producer)
        producer.purge(blocking=False)
        await closed_in_time(producer.close, "producer")
