"""The Kafka adapter: topics, a consumer group for each subscription, retries, dead letters."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress

import structlog
from confluent_kafka import Consumer, KafkaException
from confluent_kafka import Message as KafkaMessage

from ...port import DeadLetter, DeadLetterIncomplete, DeadLetterNotFound, Depth, Handler, Message, Subscription, noop
from .admin import Admin
from .clients import Clients
from .dead_letter_log import DeadLetterLog
from .listener import Listener
from .producer import ConfirmingProducer
from .records import dead_letter, event_record, is_replayable, replay_copy, tombstone
from .settings import BrokerSettings
from .topology import Topics, dead_topic, retry_group, retry_topics

POLL_SECONDS = 1
# What a server accepts by default, less the size of the record around it.
LARGEST_BODY_BYTES = 1_000_000

_log = structlog.stdlib.get_logger("broker")


class KafkaBroker:
    """One producer for everything that is sent, two consumers for each subscription.

    Args:
        settings: the cluster and its time limits.
        service_name: names the clients in the cluster's logs and quotas.
    """

    kind = "kafka"

    def __init__(self, settings: BrokerSettings, service_name: str) -> None:
        self._settings = settings
        self._clients = Clients(settings, service_name)
        self._producer = ConfirmingProducer(self._clients, settings.publish_timeout_seconds)
        self._admin = Admin(self._clients, settings.connect_timeout_seconds)
        self._topics = Topics(self._admin, self._clients, settings)
        self._logs: dict[str, DeadLetterLog] = {}
        self._polling: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start the producer; clients connect on their own, now or later."""
        self._producer.open()
        self._polling = asyncio.create_task(self._poll())

    async def close(self) -> None:
        """Close every client."""
        if self._polling is not None:
            self._polling.cancel()
            with suppress(asyncio.CancelledError):
                await self._polling
        await asyncio.gather(self._producer.close(), self._admin.close(), *(log.close() for log in self._logs.values()))
        self._logs.clear()

    async def check(self) -> None:
        """Check that the cluster answers and that no topic failed to be created."""
        with self._translated():
            await self._admin.check()
        if self._topics.problem is not None:
            raise self._topics.problem

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Send all at once; the producer keeps their order across its own retries."""
        records = [event_record(message) for message in messages if len(message.body) <= LARGEST_BODY_BYTES]
        if len(records) < len(messages):
            _log.error("events too large to publish", count=len(messages) - len(records))
        if not records:
            return []
        await self._topics.declare_channels({record.topic for record in records})
        confirmed: Collection[str] = ()
        try:
            confirmed = await self._producer.send(records)
        finally:
            if len(confirmed) < len(records):
                self._topics.invalidate()
        return confirmed

    @asynccontextmanager
    async def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        on_stopping: Callable[[], None] = noop,
    ) -> AsyncIterator[None]:
        """Join the subscription's consumer groups."""
        session = self._settings.session_timeout_seconds
        listener = Listener(subscription, self._clients, self._topics, self._producer, session)
        async with listener.running(handle, concurrency, on_stopping):
            yield

    async def dead_letters(self, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """The oldest first."""
        with self._translated():
            return [dead_letter(id, record) for id, record in await self._log(subscription).oldest(limit)]

    async def dead_letter(self, subscription: Subscription, id: str) -> DeadLetter:
        """One of them."""
        return dead_letter(id, await self._find(subscription, id))

    async def replay(self, subscription: Subscription, id: str) -> None:
        """Copy it to a retry topic, and only then write its tombstone."""
        record = await self._find(subscription, id)
        if not is_replayable(record):
            raise DeadLetterIncomplete(id, f"it does not hold its body; {dead_letter(id, record).left_out}")
        await self._topics.declare(subscription)
        await self._producer.send([replay_copy(record, subscription)])
        await self._producer.send([tombstone(id, subscription)])

    async def discard(self, subscription: Subscription, id: str) -> None:
        """Write its tombstone."""
        await self._find(subscription, id)
        await self._producer.send([tombstone(id, subscription)])

    async def depth(self, subscription: Subscription) -> Depth:
        """Messages that the groups have not committed, in channels and retry topics; and dead letters."""
        with self._translated():
            counts = await asyncio.gather(
                self._admin.lag(subscription.name, subscription.channels),
                self._admin.lag(retry_group(subscription), retry_topics(subscription)),
                self._log(subscription).count(),
            )
        return Depth(waiting=counts[0] + counts[1], dead=counts[2])

    async def unrouted(self) -> None:
        """None is kept aside: a topic keeps its events whether or not it has groups."""

    async def _find(self, subscription: Subscription, id: str) -> KafkaMessage:
        with self._translated():
            record = await self._log(subscription).find(id)
        if record is None:
            raise DeadLetterNotFound(id)
        return record

    def _log(self, subscription: Subscription) -> DeadLetterLog:
        def create_consumer() -> Consumer:
            return self._clients.consumer(
                subscription.name,
                enable_auto_commit=False,
                enable_partition_eof=True,
            )

        if subscription.name not in self._logs:
            log = DeadLetterLog(dead_topic(subscription), create_consumer, self._settings.connect_timeout_seconds)
            self._logs[subscription.name] = log
        return self._logs[subscription.name]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise Unavailable for Kafka's errors."""
        try:
            yield
        except KafkaException as error:
            self._admin.poll()  # a pending callback may know the cause
            raise self._clients.explain(error) from error
        self._clients.clear_error()

    async def _poll(self) -> None:
        """Run callbacks also while nothing is sent, and pass on a new password."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            self._producer.poll()
            self._admin.poll()
            for log in self._logs.values():
                log.poll()
            await asyncio.to_thread(self._clients.refresh_password)
