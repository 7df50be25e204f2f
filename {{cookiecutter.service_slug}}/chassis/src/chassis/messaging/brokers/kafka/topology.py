"""Topics: their names, their settings, and how they are created."""

import asyncio
from collections.abc import Collection, Sequence

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined] # documented, but not marked as exported

from ....errors import Unavailable
from ...port import Subscription
from .admin import Admin
from .clients import LARGEST_MESSAGE_BYTES, Clients
from .errors import FORBIDDEN_TOPIC, UNKNOWN_REQUEST, code_of, is_forbidden
from .settings import BrokerSettings

# Retries wait in one topic per order of magnitude, so that a short delay does not queue behind a long one.
RETRY_BELOW_SECONDS = (1, 10)
RETRY_PARTITIONS = 3
RETRY_RETENTION_MS = 30 * 24 * 3_600 * 1_000
_COPY_SIZE = {"max.message.bytes": str(LARGEST_MESSAGE_BYTES + 1_000)}

_log = structlog.stdlib.get_logger("broker")


def retry_topics(subscription: Subscription) -> list[str]:
    """The topics in which messages wait for another attempt, the shortest delay first."""
    return [f"{subscription.name}.retry-{number}" for number in range(1, len(RETRY_BELOW_SECONDS) + 2)]


def retry_group(subscription: Subscription) -> str:
    """The consumer group of the retry topics."""
    return f"{subscription.name}.retry"


def retry_topic(subscription: Subscription, after_seconds: float, attempt: int) -> str:
    """The retry topic for the attempt that follows on another one.

    Every second time it is that of another delay. A worker keeps its partitions for as long as it runs, and may have
    all of one topic; what it hands back, such as an event of a type that only a newer release knows, has to reach
    others.
    """
    topics = retry_topics(subscription)
    level = sum(after_seconds >= limit for limit in RETRY_BELOW_SECONDS)
    return topics[level if attempt % 2 else attempt // 2 % len(topics)]


def dead_topic(subscription: Subscription) -> str:
    """The topic of the dead letters. It has one partition, so that they have an order."""
    return f"{subscription.name}.dead"


class Topics:
    """Creates missing topics. Safe to run from many processes at once, and again."""

    def __init__(self, admin: Admin, clients: Clients, settings: BrokerSettings) -> None:
        self._admin = admin
        self._clients = clients
        self._settings = settings
        self._known: set[str] = set()
        self._lock = asyncio.Lock()
        # Why a topic could not be created, until one can.
        self.problem: Unavailable | None = None

    async def declare_channels(self, names: Collection[str]) -> None:
        """Create the topics to publish to. Raises Unavailable."""
        if not self._known.issuperset(names):
            await self._declare([self._channel(name) for name in names])

    async def declare(self, subscription: Subscription) -> None:
        """Create the topics of a subscription. Raises Unavailable."""
        await self._declare(
            [
                *(self._channel(name) for name in subscription.channels),
                *(self._retry(name) for name in retry_topics(subscription)),
                self._dead(dead_topic(subscription)),
            ]
        )

    def invalidate(self) -> None:
        """Check again before the next use: a topic may have been deleted."""
        self._known.clear()

    async def _declare(self, topics: Sequence[NewTopic]) -> None:
        async with self._lock:
            wanted = [topic for topic in topics if topic.topic not in self._known]
            if not wanted:
                return
            try:
                found = await self._admin.partitions([topic.topic for topic in wanted])
                for topic in wanted:
                    if topic.topic not in found:
                        await self._create(topic)
            except KafkaException as error:
                self._admin.poll()  # a pending callback may know the cause
                raise self._clients.explain(error) from error
            self._known.update(topic.topic for topic in wanted)
            self.problem = None

    async def _create(self, topic: NewTopic) -> None:
        try:
            await self._admin.create(topic)
            _log.info("topic created", topic=topic.topic)
        except KafkaException as error:
            if code_of(error) == UNKNOWN_REQUEST:
                await self._admin.request_metadata(topic.topic)
            elif is_forbidden(error):
                _log.error("topic missing; not allowed to create it", topic=topic.topic)
                self.problem = Unavailable("broker", FORBIDDEN_TOPIC)
                raise self.problem from error
            elif code_of(error) != KafkaError.TOPIC_ALREADY_EXISTS:
                _log.error("cannot create topic", topic=topic.topic, error=str(error))
                raise

    def _channel(self, name: str) -> NewTopic:
        return self._topic(name, self._settings.topic_partitions, {})

    def _retry(self, name: str) -> NewTopic:
        partitions = min(RETRY_PARTITIONS, self._settings.topic_partitions)
        return self._topic(name, partitions, {"retention.ms": str(RETRY_RETENTION_MS)} | _COPY_SIZE)

    def _dead(self, name: str) -> NewTopic:
        return self._topic(name, 1, {"cleanup.policy": "compact"} | _COPY_SIZE)

    def _topic(self, name: str, partitions: int, config: dict[str, str]) -> NewTopic:
        replicas = self._settings.topic_replication
        # With three replicas, a confirmed event is on two servers and one server may be away.
        in_sync = {"min.insync.replicas": "2"} if replicas > 2 else {}
        return NewTopic(name, partitions, replicas, config=in_sync | config)
