"""Requests about topics, offsets and the cluster."""

import asyncio
from collections.abc import Sequence

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # documented, but not marked as exported
    AdminClient,
    NewTopic,
    OffsetSpec,
)

from .clients import Clients
from .errors import TIMED_OUT, is_missing
from .offsets import CommittedOffsets, PartitionKey

# Shorter than a readiness probe's own time limit, which would hide the reason.
CHECK_SECONDS = 1.5
_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]


class Admin:
    """Each request has the same time limit and raises KafkaException."""

    def __init__(self, clients: Clients, timeout_seconds: float) -> None:
        self._clients = clients
        self._timeout = timeout_seconds
        self._admin: AdminClient | None = None
        self._committed: dict[str, CommittedOffsets] = {}

    async def check(self) -> None:
        """Check that the cluster answers."""
        timeout = min(self._timeout, CHECK_SECONDS)
        await asyncio.wrap_future(self._client.describe_cluster(request_timeout=timeout))

    async def partitions(self, names: Sequence[str]) -> dict[str, int]:
        """The number of partitions of each topic that exists."""
        answers = self._client.describe_topics(TopicCollection(list(names)), request_timeout=self._timeout)
        found = {}
        for name, answer in answers.items():
            try:
                found[name] = len((await asyncio.wrap_future(answer)).partitions)
            except KafkaException as error:
                if not is_missing(error):
                    raise
        return found

    async def create(self, topic: NewTopic) -> None:
        """Create a topic."""
        [answer] = self._client.create_topics([topic], request_timeout=self._timeout).values()
        await asyncio.wrap_future(answer)

    async def request_metadata(self, name: str) -> None:
        """Ask for a topic: a server that does not support creating topics may create one that is asked for."""
        await asyncio.to_thread(self._client.list_topics, name, timeout=self._timeout)

    async def lag(self, group: str, names: Sequence[str]) -> int:
        """The number of messages between a group's committed offsets and the end of each partition of some topics."""
        keys = [(name, number) for name, count in (await self.partitions(names)).items() for number in range(count)]
        if not keys:
            return 0
        ends, committed = await asyncio.gather(self._offsets(keys, _LATEST), self._committed_by(group).read(keys))
        # Without a committed offset, a group begins with the earliest message.
        uncommitted = [key for key in keys if key not in committed]
        starts = committed | (await self._offsets(uncommitted, _EARLIEST) if uncommitted else {})
        return sum(max(0, ends[key] - starts[key]) for key in keys)

    def poll(self) -> None:
        """Run the clients' callbacks."""
        if self._admin is not None:
            self._admin.poll(0)
        for committed in self._committed.values():
            committed.poll()

    async def close(self) -> None:
        """Close the connections."""
        if self._admin is not None:
            self._clients.remove(self._admin)
            self._admin = None
        groups, self._committed = self._committed, {}
        await asyncio.gather(*(committed.close() for committed in groups.values()))

    @property
    def _client(self) -> AdminClient:
        if self._admin is None:
            self._admin = self._clients.admin()
        return self._admin

    async def _offsets(self, keys: Sequence[PartitionKey], which: OffsetSpec) -> dict[PartitionKey, int]:
        wanted = {TopicPartition(*key): which for key in keys}
        answers = self._client.list_offsets(wanted, request_timeout=self._timeout)
        offsets = await asyncio.gather(*(asyncio.wrap_future(answer) for answer in answers.values()))
        if any(found.offset < 0 for found in offsets):  # seen without an error while connections are cut
            raise KafkaException(KafkaError(TIMED_OUT))
        return {(each.topic, each.partition): found.offset for each, found in zip(answers, offsets, strict=True)}

    def _committed_by(self, group: str) -> CommittedOffsets:
        if group not in self._committed:
            self._committed[group] = CommittedOffsets(group, self._clients, self._timeout)
        return self._committed[group]
