"""A member of a consumer group: a librdkafka consumer and the thread in which it blocks."""

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from .closing import close_in_time
from .dispatcher import Dispatcher
from .partitions import Partition
from .records import received

# How long a poll waits for a first message, and how many available ones it returns with it.
POLL_SECONDS = 0.1
BATCH = 500
# After so long without room, partitions are paused, because only a member that polls stays one. Until then nothing is
# polled, as it takes a while until a paused partition flows again.
STALL_SECONDS = 1
# Before a partition moves to another member: handlers that end within this time need not be repeated there.
REVOKE_SECONDS = 3

_log = structlog.stdlib.get_logger("broker")


class GroupMember:
    """Receives messages of its assigned partitions and passes them to the dispatcher.

    Offsets are stored here; librdkafka commits them once a second, when a partition is revoked, and at the end.
    """

    def __init__(
        self,
        consumer: Consumer,
        topics: Sequence[str],
        dispatcher: Dispatcher,
        *,
        holds_copies: bool,
    ) -> None:
        self.consumer = consumer
        self._topics = list(topics)
        self._holds_copies = holds_copies
        self._dispatcher = dispatcher
        self._loop = asyncio.get_running_loop()
        self._partitions: dict[tuple[str, int], Partition] = {}
        # A consumer is not safe for concurrent calls: one thread.
        self._thread = ThreadPoolExecutor(1, "kafka-member")

    async def join(self) -> None:
        """Subscribe; partitions are assigned later."""
        await self._loop.run_in_executor(self._thread, self._subscribe)

    async def receive(self, *, stopping: bool) -> None:
        """Receive available messages, waiting for a moment if there are none.

        Args:
            stopping: receive no more, but stay in the group until the handlers in flight have ended.

        Raises:
            KafkaException: the consumer cannot continue.
        """
        is_stalled = stopping or not await self._dispatcher.has_room(STALL_SECONDS)
        pause, resume = self._pauses(is_stalled)
        timeout = 0 if is_stalled and not stopping else POLL_SECONDS
        offsets = _offsets(self._partitions.values())
        for record in await self._loop.run_in_executor(self._thread, self._poll, offsets, pause, resume, timeout):
            self._accept(record, stopping)

    async def leave(self) -> None:
        """Commit settled offsets and give the partitions back."""
        offsets = _offsets(self._partitions.values())
        self._thread.shutdown(wait=False)

        def close() -> None:
            self._store(offsets)
            self.consumer.close()

        await close_in_time(close, "consumer")

    def _accept(self, record: KafkaMessage, stopping: bool) -> None:
        error = record.error()
        if error is not None:
            if error.fatal():
                raise KafkaException(error)
            _log.warning("cannot receive messages", error=error.name(), topic=record.topic())
            return
        partition = self._partitions.get((record.topic() or "", record.partition() or 0))
        if partition is not None and not stopping:
            self._dispatcher.accept(partition, received(record, self._holds_copies))

    def _pauses(self, is_stalled: bool) -> tuple[list[TopicPartition], list[TopicPartition]]:
        """The partitions to pause and those to resume."""
        pause, resume = [], []
        for partition in self._partitions.values():
            if partition.is_paused and not is_stalled and partition.has_room:
                partition.is_paused = False
                resume.append(TopicPartition(partition.topic, partition.number))
            elif not partition.is_paused and (is_stalled or partition.is_full):
                partition.is_paused = True
                pause.append(TopicPartition(partition.topic, partition.number))
        return pause, resume

    # The following methods run in the consumer's thread.

    def _subscribe(self) -> None:
        self.consumer.subscribe(
            self._topics,
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def _poll(
        self,
        offsets: list[TopicPartition],
        pause: list[TopicPartition],
        resume: list[TopicPartition],
        timeout: float,
    ) -> list[KafkaMessage]:
        self._store(offsets)
        with suppress(KafkaException):  # raised for partitions that are being revoked
            self.consumer.pause(pause)
            self.consumer.resume(resume)
        first = self.consumer.poll(timeout)
        if first is None:
            return []
        return [first, *self.consumer.consume(BATCH - 1, 0)]

    def _store(self, offsets: list[TopicPartition]) -> None:
        if offsets:
            with suppress(KafkaException):  # another member owns them now and repeats what is not committed
                self.consumer.store_offsets(offsets=offsets)

    def _on_assign(self, _: Consumer, assigned: list[TopicPartition]) -> None:
        if assigned:
            _log.info("partitions assigned", partitions=_names(assigned))
        self._loop.call_soon_threadsafe(self._add, assigned)

    def _on_revoke(self, _: Consumer, revoked: list[TopicPartition]) -> None:
        if revoked:
            _log.info("partitions revoked", partitions=_names(revoked))
        revoking = asyncio.run_coroutine_threadsafe(self._revoke(revoked), self._loop)
        with suppress(TimeoutError):
            self._store(revoking.result(REVOKE_SECONDS + 1))

    def _on_lost(self, _: Consumer, lost: list[TopicPartition]) -> None:
        _log.warning("partitions lost", partitions=_names(lost))
        self._loop.call_soon_threadsafe(self._remove, lost)

    # The following methods run in the event loop.

    def _add(self, assigned: list[TopicPartition]) -> None:
        for each in assigned:
            self._partitions[each.topic, each.partition] = Partition(each.topic, each.partition)

    def _remove(self, lost: list[TopicPartition]) -> list[Partition]:
        """Drop waiting messages of these partitions; handlers in flight go on, and the new owner redelivers."""
        found = [self._partitions.pop((each.topic, each.partition), None) for each in lost]
        removed = [partition for partition in found if partition is not None]
        for partition in removed:
            partition.is_revoked = True
        return removed

    async def _revoke(self, revoked: list[TopicPartition]) -> list[TopicPartition]:
        removed = self._remove(revoked)
        if tasks := {task for partition in removed for task in partition.tasks}:
            await asyncio.wait(tasks, timeout=REVOKE_SECONDS)
        return _offsets(removed)


def _offsets(partitions: Iterable[Partition]) -> list[TopicPartition]:
    """The offsets to store that have changed."""
    return [
        TopicPartition(partition.topic, partition.number, offset)
        for partition in partitions
        if (offset := partition.offset_to_store()) is not None
    ]


def _names(partitions: list[TopicPartition]) -> dict[str, list[int]]:
    """Partition numbers by topic."""
    names: dict[str, list[int]] = {}
    for each in partitions:
        names.setdefault(each.topic, []).append(each.partition)
    return names
