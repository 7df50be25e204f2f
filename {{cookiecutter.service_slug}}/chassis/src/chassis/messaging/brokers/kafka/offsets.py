"""Reads the offsets that a consumer group has committed."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import TopicPartition

from .clients import Clients
from .closing import close_in_time

PartitionKey = tuple[str, int]


class CommittedOffsets:
    """Reads through a consumer that never joins its group.

    The admin client has a request for this. If it times out because the group's coordinator cannot be reached,
    librdkafka (2.16) aborts the process as soon as the coordinator is back.

    Args:
        group: the consumer group.
        clients: creates the consumer.
        timeout_seconds: for each read.
    """

    def __init__(self, group: str, clients: Clients, timeout_seconds: float) -> None:
        self._clients = clients
        self._timeout = timeout_seconds
        self._consumer = clients.consumer(group, enable_auto_commit=False)
        self._thread = ThreadPoolExecutor(1, "kafka-offsets")

    async def read(self, keys: Sequence[PartitionKey]) -> dict[PartitionKey, int]:
        """The offset of each partition that has one. Raises KafkaException."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, keys)

    def poll(self) -> None:
        """Run the consumer's callbacks between reads."""
        self._thread.submit(self._consumer.poll, 0)

    async def close(self) -> None:
        """Close the connection."""
        self._clients.remove(self._consumer)

        def close() -> None:
            self._thread.shutdown()  # a read in progress still uses the consumer
            self._consumer.close()

        await close_in_time(close, "offset-reader")

    def _read(self, keys: Sequence[PartitionKey]) -> dict[PartitionKey, int]:
        found = self._consumer.committed([TopicPartition(*key) for key in keys], timeout=self._timeout)
        return {(each.topic, each.partition): each.offset for each in found if each.offset >= 0}
