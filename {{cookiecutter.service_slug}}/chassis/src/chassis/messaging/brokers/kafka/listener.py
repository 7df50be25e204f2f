"""Listens for one subscription: declares its topics, joins its groups, and rejoins after failures."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic

import structlog
from confluent_kafka import Consumer, KafkaException

from ....background import Backoff
from ....errors import Unavailable
from ...port import Handler, Subscription
from .clients import Clients
from .dispatcher import Dispatcher
from .member import GroupMember
from .producer import ConfirmingProducer
from .topology import Topics, retry_group, retry_topics

BACKOFF = Backoff(first=0.2, longest=5)
# Uptime after which the failure count resets.
HEALTHY_SECONDS = 60

_log = structlog.stdlib.get_logger("broker")


class Listener:
    """Receives the messages of one subscription."""

    def __init__(
        self,
        subscription: Subscription,
        clients: Clients,
        topics: Topics,
        producer: ConfirmingProducer,
        session_seconds: float,
    ) -> None:
        self._subscription = subscription
        self._clients = clients
        self._topics = topics
        self._producer = producer
        self._session_seconds = session_seconds
        self._stopping = False
        self._stopped = asyncio.Event()

    @asynccontextmanager
    async def running(self, handle: Handler, concurrency: int, on_stopping: Callable[[], None]) -> AsyncIterator[None]:
        """Deliver messages inside the block; then wait for the handlers in flight."""
        try:
            await self._topics.declare(self._subscription)
        except Unavailable as error:
            _log.warning("not subscribed yet; retrying", subscription=self._subscription.name, reason=error.reason)
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
            tasks.create_task(self._listen(dispatcher, name, self._subscription.channels, holds_copies=False))
            # Retries have a group of their own: within one group, one member could be assigned the retries alone and
            # another one all channels.
            tasks.create_task(self._listen(dispatcher, retry_group(self._subscription), retries, holds_copies=True))
            try:
                yield
            finally:
                try:
                    self._stopping = True
                    await dispatcher.stop(on_stopping)
                finally:
                    self._stopped.set()

    async def _listen(self, dispatcher: Dispatcher, group: str, topics: Sequence[str], *, holds_copies: bool) -> None:
        failures = 0
        while not self._stopped.is_set():
            started = monotonic()
            try:
                await self._topics.declare(self._subscription)
                consumer = self._consumer(group)
                await self._receive(GroupMember(consumer, topics, dispatcher, holds_copies=holds_copies))
            except (KafkaException, Unavailable) as error:
                failures = failures + 1 if monotonic() - started < HEALTHY_SECONDS else 1
                _log.warning("not subscribed; retrying", group=group, error=str(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(BACKOFF.after(failures)):
                        await self._stopped.wait()

    async def _receive(self, member: GroupMember) -> None:
        try:
            await member.join()
            while not self._stopped.is_set():
                await member.receive(stopping=self._stopping)
        finally:
            self._clients.remove(member.consumer)
            await member.leave()

    def _consumer(self, group: str) -> Consumer:
        session_ms = int(self._session_seconds * 1_000)
        return self._clients.consumer(
            group,
            enable_auto_offset_store=False,
            auto_commit_interval_ms=1_000,
            partition_assignment_strategy="cooperative-sticky",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // 4,
            # A new channel of another service, or new partitions, are noticed within this time.
            topic_metadata_refresh_interval_ms=60_000,
        )
