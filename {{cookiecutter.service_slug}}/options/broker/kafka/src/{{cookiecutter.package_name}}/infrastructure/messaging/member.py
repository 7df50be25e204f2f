"""One member of a subscription's group: a consumer of librdkafka, and the thread in which it blocks."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from .closing import closed_in_time
from .dispatcher import Dispatcher
from .partitions import Partition
from .records import arrival

# How long a poll waits for a first message, and how many it takes along that are there already.
POLL_SECONDS = 0.1
BATCH = 500
# Without room for so long, partitions are paused: only a member that polls stays one. Until then nothing is polled, as
# it takes a while until a partition that was paused flows again.
STALL_SECONDS = 1
# Before a partition goes to another member: handlers that end within this time need not be repeated there.
HANDOVER_SECONDS = 3

_log = structlog.stdlib.get_logger("broker")


class Member:
    """Takes messages of the partitions that the group has given it, and hands them to the dispatcher.

    Offsets are stored here and committed by librdkafka once a second, when a partition is taken away, and at the end.
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
        # Calls of a consumer must follow one upon the other: one thread.
        self._thread = ThreadPoolExecutor(1, "kafka-member")

    async def join(self) -> None:
        """Ask to be given partitions."""
        await self._loop.run_in_executor(self._thread, self._subscribe)

    async def take(self, *, ending: bool) -> None:
        """Take what is there, waiting for a moment if there is nothing.

        Args:
            ending: take nothing any more, but stay in the group until the handlers at work have ended.

        Raises:
            KafkaException: it cannot go on.
        """
        is_stalled = ending or not await self._dispatcher.has_room(STALL_SECONDS)
        pause, resume = self._breaks(is_stalled)
        timeout = 0 if is_stalled and not ending else POLL_SECONDS
        polling = self._loop.run_in_executor(self._thread, self._poll, self._news(), pause, resume, timeout)
        for record in await polling:
            self._take_in(record, ending)

    async def leave(self) -> None:
        """Commit what is settled, and give the partitions to others."""
        news = self._news()
        self._thread.shutdown(wait=False)

        def close() -> None:
            self._store(news)
            self.consumer.close()

        await closed_in_time(close, "consumer")

    def _take_in(self, record: KafkaMessage, ending: bool) -> None:
        error = record.error()
        if error is not None:
            if error.fatal():
                raise KafkaException(error)
            _log.warning("cannot take messages now", error=error.name(), topic=record.topic())
            return
        partition = self._partitions.get((record.topic() or "", record.partition() or 0))
        if partition is not None and not ending:
            self._dispatcher.accept(partition, arrival(record, self._holds_copies))

    def _breaks(self, is_stalled: bool) -> tuple[list[TopicPartition], list[TopicPartition]]:
        """Which partitions have to pause, and which may go on."""
        pause, resume = [], []
        for partition in self._partitions.values():
            if partition.is_paused and not is_stalled and partition.has_room:
                partition.is_paused = False
                resume.append(TopicPartition(partition.topic, partition.number))
            elif not partition.is_paused and (is_stalled or partition.is_full):
                partition.is_paused = True
                pause.append(TopicPartition(partition.topic, partition.number))
        return pause, resume

    def _news(self) -> list[TopicPartition]:
        return [
            TopicPartition(partition.topic, partition.number, offset)
            for partition in self._partitions.values()
            if (offset := partition.news()) is not None
        ]

    # What follows runs in the consumer's thread.

    def _subscribe(self) -> None:
        self.consumer.subscribe(
            self._topics,
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def _poll(
        self,
        settled: list[TopicPartition],
        pause: list[TopicPartition],
        resume: list[TopicPartition],
        timeout: float,
    ) -> list[KafkaMessage]:
        self._store(settled)
        with suppress(KafkaException):  # for partitions that are being taken away
            self.consumer.pause(pause)
            self.consumer.resume(resume)
        first = self.consumer.poll(timeout)
        if first is None:
            return []
        return [first, *self.consumer.consume(BATCH - 1, 0)]

    def _store(self, settled: list[TopicPartition]) -> None:
        if settled:
            with suppress(KafkaException):  # they belong to another member now, who will repeat what is not committed
                self.consumer.store_offsets(offsets=settled)

    def _on_assign(self, _: Consumer, given: list[TopicPartition]) -> None:
        if given:
            _log.info("takes partitions", partitions=_names(given))
        self._loop.call_soon_threadsafe(self._gain, given)

    def _on_revoke(self, _: Consumer, taken: list[TopicPartition]) -> None:
        if taken:
            _log.info("gives partitions back", partitions=_names(taken))
        handing_over = asyncio.run_coroutine_threadsafe(self._hand_over(taken), self._loop)
        with suppress(TimeoutError):
            self._store(handing_over.result(HANDOVER_SECONDS + 1))

    def _on_lost(self, _: Consumer, lost: list[TopicPartition]) -> None:
        _log.warning("has lost partitions", partitions=_names(lost))
        self._loop.call_soon_threadsafe(self._lose, lost)

    # What follows runs in the loop again.

    def _gain(self, given: list[TopicPartition]) -> None:
        for each in given:
            self._partitions[each.topic, each.partition] = Partition(each.topic, each.partition)

    def _lose(self, lost: list[TopicPartition]) -> list[Partition]:
        """What waits of them is dropped; handlers at work go on, and their messages come again elsewhere."""
        found = [self._partitions.pop((each.topic, each.partition), None) for each in lost]
        gone = [partition for partition in found if partition is not None]
        for partition in gone:
            partition.is_gone = True
        return gone

    async def _hand_over(self, taken: list[TopicPartition]) -> list[TopicPartition]:
        gone = self._lose(taken)
        if tasks := {task for partition in gone for task in partition.tasks}:
            await asyncio.wait(tasks, timeout=HANDOVER_SECONDS)
        return [
            TopicPartition(partition.topic, partition.number, offset)
            for partition in gone
            if (offset := partition.news()) is not None
        ]


def _names(partitions: list[TopicPartition]) -> dict[str, list[int]]:
    """Numbers of the partitions of each topic."""
    names: dict[str, list[int]] = {}
    for each in partitions:
        names.setdefault(each.topic, []).append(each.partition)
    return names
