"""Reads a dead-letter topic: a log of dead letters by id, in which a tombstone deletes one."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from .closing import close_in_time
from .errors import END_OF_PARTITION, TIMED_OUT, is_missing

T = TypeVar("T")

PARTITION = 0
BATCH = 500
# Compaction removes tombstones after a day: the index must not be older.
REREAD_SECONDS = 6 * 3_600


class DeadLetterLog:
    """Keeps an index of the dead letters and reads only new records.

    Args:
        topic: of the dead letters.
        create_consumer: called on first use.
        timeout_seconds: for each read.
    """

    def __init__(self, topic: str, create_consumer: Callable[[], Consumer], timeout_seconds: float) -> None:
        self._topic = topic
        self._create_consumer = create_consumer
        self._timeout = timeout_seconds
        self._thread = ThreadPoolExecutor(1, "kafka-dead-letters")
        self._consumer: Consumer | None = None
        self._offsets: dict[str, int] = {}
        self._next = 0
        self._read_from_start_at = 0.0

    async def count(self) -> int:
        """The number of dead letters. Raises KafkaException."""
        return len(await self._run(self._catch_up))

    async def oldest(self, limit: int) -> list[tuple[str, KafkaMessage]]:
        """The oldest dead letters with their ids. Raises KafkaException."""

        def read() -> list[tuple[str, KafkaMessage]]:
            wanted = {offset: id for id, offset in self._catch_up().items()}
            offsets = sorted(wanted)[:limit]
            return [(wanted[offset], record) for offset, record in self._at(offsets)]

        return await self._run(read)

    async def find(self, id: str) -> KafkaMessage | None:
        """One dead letter; None if it does not exist. Raises KafkaException."""

        def read() -> KafkaMessage | None:
            offset = self._catch_up().get(id)
            return None if offset is None else next((record for _, record in self._at([offset])), None)

        return await self._run(read)

    def poll(self) -> None:
        """Run the consumer's callbacks between reads."""
        if self._consumer is not None:
            self._thread.submit(self._consumer.poll, 0)

    async def close(self) -> None:
        """Close the connection."""
        self._thread.shutdown(wait=False)
        if self._consumer is not None:
            await close_in_time(self._consumer.close, "dead-letter-reader")

    async def _run(self, read: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, read)

    # The following methods run in the consumer's thread.

    def _catch_up(self) -> dict[str, int]:
        """The offset of each dead letter."""
        end = self._end()
        if end < self._next or time.monotonic() - self._read_from_start_at > REREAD_SECONDS:
            self._offsets.clear()
            self._next = 0
            self._read_from_start_at = time.monotonic()
        if self._next < end:
            for record in self._records(self._next, end):
                self._index(record)
                self._next = (record.offset() or 0) + 1
            self._next = end
        return self._offsets

    def _index(self, record: KafkaMessage) -> None:
        id = (record.key() or b"").decode(errors="replace")
        self._offsets.pop(id, None)
        if record.value() is not None:
            self._offsets[id] = record.offset() or 0

    def _end(self) -> int:
        try:
            marks = self._client().get_watermark_offsets(self._place(), timeout=self._timeout)
        except KafkaException as error:
            if is_missing(error):
                return 0
            raise
        return marks[1] if marks is not None else 0

    def _client(self) -> Consumer:
        if self._consumer is None:
            self._consumer = self._create_consumer()
        return self._consumer

    def _at(self, offsets: list[int]) -> Iterator[tuple[int, KafkaMessage]]:
        if offsets:
            wanted = set(offsets)
            for record in self._records(offsets[0], offsets[-1] + 1):
                if record.offset() in wanted:
                    yield record.offset() or 0, record

    def _records(self, start: int, end: int) -> Iterator[KafkaMessage]:
        """Records from one offset up to another, exclusive."""
        consumer = self._client()
        consumer.assign([self._place(start)])
        try:
            deadline = time.monotonic() + self._timeout
            while time.monotonic() < deadline:
                for record in consumer.consume(BATCH, 0.05):
                    error = record.error()
                    if error is None and (record.offset() or 0) < end:
                        yield record
                    if _is_last(record, end):
                        return
                    deadline = time.monotonic() + self._timeout
            raise KafkaException(KafkaError(TIMED_OUT))
        finally:
            consumer.unassign()

    def _place(self, offset: int = 0) -> TopicPartition:
        return TopicPartition(self._topic, PARTITION, offset)


def _is_last(record: KafkaMessage, end: int) -> bool:
    """Whether no further record is needed. Raises KafkaException if the consumer returned an error instead."""
    error = record.error()
    if error is None:
        return (record.offset() or 0) >= end - 1
    if error.code() == END_OF_PARTITION:
        return True
    raise KafkaException(error)
