"""Sends records and waits until each is confirmed or refused."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as KafkaMessage

from .clients import Clients
from .closing import close_in_time
from .errors import QUEUE_FULL, TIMED_OUT, is_fatal

# Delivery reports are polled this often; less and less often while none comes, as when the servers are away.
SHORTEST_POLL_SECONDS = 0.001
LONGEST_POLL_SECONDS = 0.02
# Purged messages are reported at once, but by another thread.
PURGE_SECONDS = 1

_log = structlog.stdlib.get_logger("broker")
RawHeaders = Sequence[tuple[str, bytes | None]]


class Record(NamedTuple):
    """A record to send; with partition -1 the key decides.

    Without a value it is a tombstone: it deletes what the key names.
    """

    id: str
    topic: str
    key: str | bytes | None
    value: bytes | None
    headers: RawHeaders
    partition: int = -1


class _Batch:
    """Delivery reports of records that were sent together."""

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
    """A librdkafka producer, replaced after a fatal error.

    The event loop itself polls for delivery reports: a thread for it would compete with the loop for the interpreter
    once per message.
    """

    def __init__(self, clients: Clients, timeout_seconds: float) -> None:
        self._clients = clients
        self._timeout = timeout_seconds
        self._producer: Producer | None = None

    def open(self) -> Producer:
        """Begin to connect: a producer needs a moment until it has its identity, on which order depends."""
        if self._producer is None:
            self._producer = self._clients.producer()
        return self._producer

    async def send(self, records: Iterable[Record]) -> Collection[str]:
        """Send in order, all at once.

        Returns:
            ids of the records that were confirmed.

        Raises:
            Unavailable: none of them was.
        """
        producer = self.open()
        batch = _Batch()
        self._enqueue(producer, records, batch)
        try:
            async with asyncio.timeout(self._timeout):
                await self._all_reported(producer, batch)
        except TimeoutError:
            await self._purge(producer, batch)
        if batch.error is not None:
            self._handle_error(batch.error, producer)
            if not batch.confirmed:
                raise self._clients.explain(batch.error.code())
        self._clients.clear_error()
        return batch.confirmed

    def poll(self) -> None:
        """Run the producer's callbacks while nothing is sent."""
        if self._producer is not None:
            self._producer.poll(0)

    async def close(self) -> None:
        """Close the connection. Every sent record is reported already."""
        if self._producer is not None:
            await self._discard(self._producer)

    def _enqueue(self, producer: Producer, records: Iterable[Record], batch: _Batch) -> None:
        """Stop at the first record that does not fit into the queue: later ones must not overtake it."""
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
        pause = SHORTEST_POLL_SECONDS
        while batch.pending:
            if not producer.poll(0):
                await asyncio.sleep(pause)
                pause = min(pause * 1.1, LONGEST_POLL_SECONDS)

    async def _purge(self, producer: Producer, batch: _Batch) -> None:
        """Drop all waiting records at once, so that none of them arrives before the ones that are sent again."""
        producer.purge(blocking=False)
        with suppress(TimeoutError):
            async with asyncio.timeout(PURGE_SECONDS):
                await self._all_reported(producer, batch)
        batch.error = batch.error or KafkaError(TIMED_OUT)

    def _handle_error(self, error: KafkaError, producer: Producer) -> None:
        _log.warning("messages not confirmed", error=error.name(), fatal=error.fatal())
        if is_fatal(error):
            self._producer = None
            self._closing = asyncio.create_task(self._discard(producer))

    async def _discard(self, producer: Producer) -> None:
        self._clients.remove(producer)
        producer.purge(blocking=False)
        await close_in_time(producer.close, "producer")
