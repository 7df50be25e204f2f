"""The topics: how they are named, what they hold, and how they come into being."""

import asyncio
from collections.abc import Collection, Sequence

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewTopic

from ...config.broker import BrokerSettings
from ...domain.errors import Unavailable
from .admin import Admin
from .connections import LARGEST_MESSAGE_BYTES, Connections
from .errors import FORBIDDEN_TOPIC, UNKNOWN_REQUEST, code_of, is_forbidden
from .port import Subscription

# Retries wait in one topic for each order of magnitude, so that a short wait is not behind a long one.
RETRY_BELOW_SECONDS = (1, 10)
RETRY_PARTITIONS = 3
RETRY_RETENTION_MS = 30 * 24 * 3_600 * 1_000

_log = structlog.stdlib.get_logger("broker")


def retry_topics(subscription: Subscription) -> list[str]:
    """Where its messages wait for another attempt, the shortest wait first."""
    return [f"{subscription.name}.retry-{number}" for number in range(1, len(RETRY_BELOW_SECONDS) + 2)]


def retry_group(subscription: Subscription) -> str:
    """Who takes them."""
    return f"{subscription.name}.retry"


def retry_topic(subscription: Subscription, after_seconds: float) -> str:
    """Where a message waits that long."""
    level = sum(after_seconds >= limit for limit in RETRY_BELOW_SECONDS)
    return retry_topics(subscription)[level]


def dead_topic(subscription: Subscription) -> str:
    """Where its dead letters are, in partition 0: one log, so that they have an order."""
    return f"{subscription.name}.dead"


class Topics:
    """Makes topics that are not there yet. Safe to do from many processes at once, and again."""

    def __init__(self, admin: Admin, connections: Connections, settings: BrokerSettings) -> None:
        self._admin = admin
        self._connections = connections
        self._settings = settings
        self._there: set[str] = set()
        self._making = asyncio.Lock()
        self.refusal: Unavailable | None = None

    async def declare_channels(self, names: Collection[str]) -> None:
        """Topics that events are sent to. Raises Unavailable."""
        if not self._there.issuperset(names):
            await self._declare([self._channel(name) for name in names])

    async def declare(self, subscription: Subscription) -> None:
        """All that belongs to a subscription. Raises Unavailable."""
        await self._declare(
            [
                *(self._channel(name) for name in subscription.channels),
                *(self._retry(name) for name in retry_topics(subscription)),
                self._dead(dead_topic(subscription)),
            ]
        )

    def doubt(self) -> None:
        """Somebody may have deleted a topic: look again before the next use."""
        self._there.clear()

    async def _declare(self, topics: Sequence[NewTopic]) -> None:
        async with self._making:
            wanted = [topic for topic in topics if topic.topic not in self._there]
            if not wanted:
                return
            try:
                found = await self._admin.partitions([topic.topic for topic in wanted])
                for topic in wanted:
                    if topic.topic not in found:
                        await self._create(topic)
            except KafkaException as error:
                self._admin.serve()  # it may know more by now
                raise self._connections.why(error) from error
            self._there.update(topic.topic for topic in wanted)
            self.refusal = None

    async def _create(self, topic: NewTopic) -> None:
        try:
            await self._admin.create(topic)
            _log.info("made a topic", topic=topic.topic)
        except KafkaException as error:
            if code_of(error) == UNKNOWN_REQUEST:
                await self._admin.provoke(topic.topic)
            elif is_forbidden(error):
                _log.error("a topic is missing and may not be created", topic=topic.topic)
                self.refusal = Unavailable("broker", FORBIDDEN_TOPIC)
                raise self.refusal from error
            elif code_of(error) != KafkaError.TOPIC_ALREADY_EXISTS:
                _log.error("cannot make a topic", topic=topic.topic, error=str(error))
                raise

    def _channel(self, name: str) -> NewTopic:
        return self._topic(name, self._settings.topic_partitions, {})

    def _retry(self, name: str) -> NewTopic:
        partitions = min(RETRY_PARTITIONS, self._settings.topic_partitions)
        return self._topic(name, partitions, {"retention.ms": str(RETRY_RETENTION_MS)} | _ROOM)

    def _dead(self, name: str) -> NewTopic:
        return self._topic(name, 1, {"cleanup.policy": "compact"} | _ROOM)

    def _topic(self, name: str, partitions: int, config: dict[str, str]) -> NewTopic:
        copies = self._settings.topic_replication
        # A confirmed event is on two servers where there are three; one of them may be away.
        in_sync = {"min.insync.replicas": "2"} if copies > 2 else {}
        return NewTopic(name, partitions, copies, config=in_sync | config)


_ROOM = {"max.message.bytes": str(LARGEST_MESSAGE_BYTES + 1_000)}
