"""Kafka through confluent-kafka (librdkafka): topics, a consumer group for each subscription, retries, dead letters."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress

import structlog
from confluent_kafka import Consumer, KafkaException

from ...config.broker import BrokerSettings
from .admin import Admin
from .connections import Connections
from .dead_letter_log import DeadLetterLog
from .port import (
    DeadLetter,
    DeadLetterIncomplete,
    DeadLetterNotFound,
    Depth,
    Handler,
    Message,
    Subscription,
    nothing,
)
from .producer import ConfirmingProducer
from .records import (
    is_replayable,
    letter,
    outgoing,
    to_forget,
    to_replay,
)
from .subscriber import Subscriber
from .topology import Topics, dead_topic, retry_group, retry_topics

SERVE_SECONDS = 1
# What a server accepts by default, less what the record around it takes.
LARGEST_BODY_BYTES = 1_000_000

_log = structlog.stdlib.get_logger("broker")


class KafkaBroker:
    """One producer for everything that is sent, a consumer for each subscription.

    Args:
        settings: which cluster, and how long to wait for it.
    """

    kind = "kafka"

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._connections = Connections(settings)
        self._producer = ConfirmingProducer(self._connections, settings.publish_timeout_seconds)
        self._admin = Admin(self._connections, settings.connect_timeout_seconds)
        self._topics = Topics(self._admin, self._connections, settings)
        self._logs: dict[str, DeadLetterLog] = {}
        self._serving: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Clients connect by themselves, now or later."""
        self._producer.open()
        self._serving = asyncio.create_task(self._serve())

    async def close(self) -> None:
        """Let go of every connection."""
        if self._serving is not None:
            self._serving.cancel()
            with suppress(asyncio.CancelledError):
                await self._serving
        await asyncio.gather(self._producer.close(), *(log.close() for log in self._logs.values()))
        self._logs.clear()
        self._admin.close()

    async def check(self) -> None:
        """Ask for the cluster, and remember whether topics could be made."""
        with self._translated():
            await self._admin.ask_cluster()
        if self._topics.refusal is not None:
            raise self._topics.refusal

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Send all at once; the broker keeps their order, also when it has to be tried again."""
        records = [outgoing(message) for message in messages if len(message.body) <= LARGEST_BODY_BYTES]
        if len(records) < len(messages):
            _log.error("events are too large to be published", count=len(messages) - len(records))
        if not records:
            return []
        await self._topics.declare_channels({record.topic for record in records})
        confirmed: Collection[str] = ()
        try:
            confirmed = await self._producer.send(records)
        finally:
            if len(confirmed) < len(records):
                self._topics.doubt()
        return confirmed

    @asynccontextmanager
    async def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        let_go: Callable[[], None] = nothing,
    ) -> AsyncIterator[None]:
        """Be a member of the subscription's group."""
        session = self._settings.session_timeout_seconds
        subscriber = Subscriber(subscription, self._connections, self._topics, self._producer, session)
        async with subscriber.running(handle, concurrency, let_go):
            yield

    async def dead_letters(self, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """The oldest ones first."""
        with self._translated():
            return [letter(id, record) for id, record in await self._log(subscription).oldest(limit)]

    async def dead_letter(self, subscription: Subscription, id: str) -> DeadLetter:
        """One of them."""
        with self._translated():
            record = await self._log(subscription).find(id)
        if record is None:
            raise DeadLetterNotFound(id)
        return letter(id, record)

    async def replay(self, subscription: Subscription, id: str) -> None:
        """Copy it to where retries come from, and only then mark it as gone."""
        with self._translated():
            record = await self._log(subscription).find(id)
        if record is None:
            raise DeadLetterNotFound(id)
        if not is_replayable(record):
            raise DeadLetterIncomplete(id, f"it does not hold its body; {letter(id, record).left_out}")
        await self._topics.declare(subscription)
        await self._producer.send([to_replay(record, subscription)])
        await self._producer.send([to_forget(id, subscription)])

    async def depth(self, subscription: Subscription) -> Depth:
        """What the group has not committed, in channels and among retries; and the letters that are not gone."""
        with self._translated():
            counts = await asyncio.gather(
                self._admin.waiting(subscription.name, subscription.channels),
                self._admin.waiting(retry_group(subscription), retry_topics(subscription)),
                self._log(subscription).count(),
            )
        return Depth(waiting=counts[0] + counts[1], dead=counts[2])

    def _log(self, subscription: Subscription) -> DeadLetterLog:
        def reader() -> Consumer:
            return self._connections.consumer(
                subscription.name,
                enable_auto_commit=False,
                enable_partition_eof=True,
            )

        if subscription.name not in self._logs:
            log = DeadLetterLog(dead_topic(subscription), reader, self._settings.connect_timeout_seconds)
            self._logs[subscription.name] = log
        return self._logs[subscription.name]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Kafka's errors in the port's words."""
        try:
            yield
        except KafkaException as error:
            self._admin.serve()  # it may know more by now
            raise self._connections.why(error) from error
        self._connections.answered()

    async def _serve(self) -> None:
        """What the library has to tell is told even if nothing is sent; and a new password takes effect."""
        while True:
            await asyncio.sleep(SERVE_SECONDS)
            self._producer.serve()
            self._admin.serve()
            for log in self._logs.values():
                log.serve()
            await asyncio.to_thread(self._connections.renew_password)
