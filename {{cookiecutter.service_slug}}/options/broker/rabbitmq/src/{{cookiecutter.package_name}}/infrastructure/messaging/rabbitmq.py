"""RabbitMQ: one topic exchange for all events, quorum queues for each subscription."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

from ...config.broker import BrokerSettings
from .confirms import ConfirmingPublisher, OutgoingMessage
from .connections import LastingConnection
from .dead_letter_queue import DeadLetterQueues
from .headers import new_properties
from .port import DeadLetter, Depth, Handler, Message, Subscription, nothing
from .subscriber import QueueConsumer
from .topology import BrokerTopology


class RabbitBroker:
    """Two connections: a broker that is short of memory stops reading from those that publish, and acknowledgements
    must get through nevertheless. The second one is made when something is consumed."""

    kind = "rabbitmq"

    def __init__(self, settings: BrokerSettings) -> None:
        self._topology = BrokerTopology(settings.exchange)
        self._publishing = LastingConnection(settings, "publishing")
        self._consuming = LastingConnection(settings, "consuming")
        self._publisher = ConfirmingPublisher(self._publishing, self._topology, settings.publish_timeout_seconds)
        self._dead_letters = DeadLetterQueues(self._publishing, self._publisher, self._topology)

    async def open(self) -> None:
        """Begin to connect; waits for nothing."""
        self._publishing.open()

    async def close(self) -> None:
        """Disconnect."""
        await self._consuming.close()
        await self._publishing.close()

    async def check(self) -> None:
        """Ask the broker for the exchange, on the channel that events take."""
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
        let_go: Callable[[], None] = nothing,
    ) -> AsyncIterator[None]:
        """Deliver from the subscription's queue."""
        # Before either connection is used: what the exchange has no binding for counts as published.
        self._topology.add(subscription)
        self._consuming.open()
        subscriber = QueueConsumer(self._consuming, self._publisher, self._topology, subscription, handle, concurrency)
        try:
            await subscriber.start()
            yield
        finally:
            await subscriber.stop(let_go)

    async def dead_letters(self, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """The oldest ones first."""
        return await self._dead_letters.first(subscription.name, limit)

    async def dead_letter(self, subscription: Subscription, id: str) -> DeadLetter:
        """One of them."""
        return await self._dead_letters.one(subscription.name, id)

    async def replay(self, subscription: Subscription, id: str) -> None:
        """Put it into the subscription's queue, then take it off the dead ones."""
        await self._dead_letters.replay(subscription.name, id)

    async def depth(self, subscription: Subscription) -> Depth:
        """How much lies there; what handlers hold at this moment is not counted."""
        return await self._dead_letters.depth(subscription.name)
