"""Keeps a subscription going: declared, joined, and joined again if its membership breaks for good."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic

import structlog
from confluent_kafka import Consumer, KafkaException

from ...domain.errors import Unavailable
from .backoff import Backoff
from .connections import Connections
from .dispatcher import Dispatcher
from .member import Member
from .port import Handler, Subscription
from .producer import ConfirmingProducer
from .topology import Topics, retry_group, retry_topics

BACKOFF = Backoff(first=0.2, longest=5)
# A membership that lasted so long and broke does not count as a failure after those before it.
HEALTHY_SECONDS = 60

_log = structlog.stdlib.get_logger("broker")


class Subscriber:
    """Takes the messages of one subscription."""

    def __init__(
        self,
        subscription: Subscription,
        connections: Connections,
        topics: Topics,
        producer: ConfirmingProducer,
        session_seconds: float,
    ) -> None:
        self._subscription = subscription
        self._connections = connections
        self._topics = topics
        self._producer = producer
        self._session_seconds = session_seconds
        self._ending = False
        self._over = asyncio.Event()

    @asynccontextmanager
    async def running(self, handle: Handler, concurrency: int, let_go: Callable[[], None]) -> AsyncIterator[None]:
        """Hand messages over as long as the block lasts; then wait for the handlers at work."""
        try:
            await self._topics.declare(self._subscription)
        except Unavailable as error:
            _log.warning("will subscribe as soon as it can", subscription=self._subscription.name, reason=error.reason)
        async with asyncio.TaskGroup() as tasks:
            dispatcher = Dispatcher(
                self._subscription,
                handle,
                concurrency,
                self._producer,
                self._topics,
                tasks,
            )
            name, retries = self._subscription.name, retry_topics(self._subscription)
            tasks.create_task(self._take(dispatcher, name, self._subscription.channels, holds_copies=False))
            # A group of their own: within one, a member could be given retries alone, and another one all the channels.
            tasks.create_task(self._take(dispatcher, retry_group(self._subscription), retries, holds_copies=True))
            try:
                yield
            finally:
                try:
                    self._ending = True
                    await dispatcher.end(let_go)
                finally:
                    self._over.set()

    async def _take(self, dispatcher: Dispatcher, group: str, topics: Sequence[str], *, holds_copies: bool) -> None:
        failures = 0
        while not self._over.is_set():
            begun = monotonic()
            try:
                await self._topics.declare(self._subscription)
                consumer = self._consumer(group)
                await self._be_member(Member(consumer, topics, dispatcher, holds_copies=holds_copies))
            except (KafkaException, Unavailable) as error:
                failures = failures + 1 if monotonic() - begun < HEALTHY_SECONDS else 1
                _log.warning("not subscribed", group=group, error=str(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(BACKOFF.after(failures)):
                        await self._over.wait()

    async def _be_member(self, member: Member) -> None:
        try:
            await member.join()
            while not self._over.is_set():
                await member.take(ending=self._ending)
        finally:
            self._connections.forget(member.consumer)
            await member.leave()

    def _consumer(self, group: str) -> Consumer:
        session_ms = int(self._session_seconds * 1_000)
        return self._connections.consumer(
            group,
            enable_auto_offset_store=False,
            auto_commit_interval_ms=1_000,
            partition_assignment_strategy="cooperative-sticky",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // 4,
            # A new channel of another service, or new partitions, are seen within this time.
            topic_metadata_refresh_interval_ms=60_000,
        )
