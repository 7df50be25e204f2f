"""The RabbitMQ adapter: one topic exchange for all events, quorum queues for each subscription."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

from ...port import DeadLetter, Depth, Handler, Message, Subscription, noop
from .confirms import OutgoingMessage
from .connection import ReconnectingConnection
from .dead_letter_queue import DeadLetterQueues
from .headers import new_properties
from .listener import QueueListener
from .publisher import ConfirmingPublisher
from .settings import BrokerSettings
from .topology import BrokerTopology


class RabbitBroker:
    """Two connections: a broker that is short of memory stops reading from those that publish, and acknowledgements
    must get through nevertheless. The second one is made when consuming begins.

    Args:
        settings: the server, its exchange and the time limits.
        service_name: names the connections in the server's list.
    """

    kind = "rabbitmq"

    def __init__(self, settings: BrokerSettings, service_name: str) -> None:
        self._topology = BrokerTopology(settings.exchange)
        self._publishing = ReconnectingConnection(settings, service_name, "publishing")
        self._consuming = ReconnectingConnection(settings, service_name, "consuming")
        self._publisher = ConfirmingPublisher(self._publishing, self._topology, settings.publish_timeout_seconds)
        self._dead_letters = DeadLetterQueues(self._publishing, self._publisher, self._topology)

    async def open(self) -> None:
        """Begin to connect, without waiting for it."""
        self._publishing.open()

    async def close(self) -> None:
        """Disconnect."""
        await self._consuming.close()
        await self._publishing.close()

    async def check(self) -> None:
        """Ask the broker for the exchange, on the channel of the events."""
        await self._publisher.check()

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Publish with the event's type as routing key."""
        exchange = self._topology.exchange
        return await self._publisher.publish(
            [OutgoingMessage(exchange, message.type, new_properties(message), message.body) for message in messages]
        )

    @asynccontextmanager
    async def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        on_stopping: Callable[[], None] = noop,
    ) -> AsyncIterator[None]:
        """Deliver from the subscription's queue."""
        # Before either connection is used: an event without a binding counts as published.
        self._topology.add(subscription)
        self._consuming.open()
        listener = QueueListener(self._consuming, self._publisher, self._topology, subscription, handle, concurrency)
        try:
            await listener.start()
            yield
        finally:
            await listener.stop(on_stopping)

    async def dead_letters(self, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """The oldest first."""
        return await self._dead_letters.oldest(subscription.name, limit)

    async def dead_letter(self, subscription: Subscription, id: str) -> DeadLetter:
        """One of them."""
        return await self._dead_letters.find(subscription.name, id)

    async def replay(self, subscription: Subscription, id: str) -> None:
        """Publish it to the subscription's queue, then remove it from the dead ones."""
        await self._dead_letters.replay(subscription.name, id)

    async def discard(self, subscription: Subscription, id: str) -> None:
        """Remove it from the dead ones."""
        await self._dead_letters.discard(subscription.name, id)

    async def depth(self, subscription: Subscription) -> Depth:
        """The number of messages, without those that handlers hold now."""
        return await self._dead_letters.depth(subscription.name)

    async def unrouted(self) -> int:
        """The number of events in the queue of events without a binding."""
        return await self._dead_letters.unrouted()
