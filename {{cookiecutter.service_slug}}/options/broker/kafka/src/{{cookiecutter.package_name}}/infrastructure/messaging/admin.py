"""Questions to the cluster, and topics made there."""

import asyncio
from collections.abc import Sequence

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.cimpl import NewTopic

from .connections import Connections
from .errors import is_missing

# Before a probe's own time is up, which would leave the reason open.
CHECK_SECONDS = 1.5
Place = tuple[str, int]
_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]


class Admin:
    """Each question has the same time limit, and raises KafkaException."""

    def __init__(self, connections: Connections, timeout_seconds: float) -> None:
        self._connections = connections
        self._timeout = timeout_seconds
        self._made: AdminClient | None = None

    async def ask_cluster(self) -> None:
        """Any answer will do."""
        timeout = min(self._timeout, CHECK_SECONDS)
        await asyncio.wrap_future(self._client.describe_cluster(request_timeout=timeout))

    async def partitions(self, names: Sequence[str]) -> dict[str, int]:
        """How many partitions topics have, those of them that exist."""
        asked = self._client.describe_topics(TopicCollection(list(names)), request_timeout=self._timeout)
        found = {}
        for name, answer in asked.items():
            try:
                found[name] = len((await asyncio.wrap_future(answer)).partitions)
            except KafkaException as error:
                if not is_missing(error):
                    raise
        return found

    async def create(self, topic: NewTopic) -> None:
        """Make a topic."""
        [answer] = self._client.create_topics([topic], request_timeout=self._timeout).values()
        await asyncio.wrap_future(answer)

    async def provoke(self, name: str) -> None:
        """A server that knows no request to make a topic may make one that is asked for."""
        await asyncio.to_thread(self._client.list_topics, name, timeout=self._timeout)

    async def waiting(self, group: str, names: Sequence[str]) -> int:
        """Messages between what a group has committed and the end of each partition of some topics."""
        places = [(name, part) for name, count in (await self.partitions(names)).items() for part in range(count)]
        if not places:
            return 0
        ends, committed = await asyncio.gather(self._offsets(places, _LATEST), self._committed(group, places))
        # A group begins with what is still there.
        fresh = [place for place in places if place not in committed]
        starts = committed | (await self._offsets(fresh, _EARLIEST) if fresh else {})
        return sum(max(0, ends[place] - starts[place]) for place in places)

    def serve(self) -> None:
        """Let the library tell what has happened."""
        if self._made is not None:
            self._made.poll(0)

    def close(self) -> None:
        """Let go of the connection."""
        if self._made is not None:
            self._connections.forget(self._made)
            self._made = None

    @property
    def _client(self) -> AdminClient:
        if self._made is None:
            self._made = self._connections.admin()
        return self._made

    async def _offsets(self, places: Sequence[Place], which: OffsetSpec) -> dict[Place, int]:
        wanted = {TopicPartition(*place): which for place in places}
        asked = self._client.list_offsets(wanted, request_timeout=self._timeout)
        answers = await asyncio.gather(*(asyncio.wrap_future(answer) for answer in asked.values()))
        return {(place.topic, place.partition): answer.offset for place, answer in zip(asked, answers, strict=True)}

    async def _committed(self, group: str, places: Sequence[Place]) -> dict[Place, int]:
        wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(*place) for place in places])
        [answer] = self._client.list_consumer_group_offsets([wanted], request_timeout=self._timeout).values()
        found = (await asyncio.wrap_future(answer)).topic_partitions
        return {(each.topic, each.partition): each.offset for each in found if each.offset >= 0}
