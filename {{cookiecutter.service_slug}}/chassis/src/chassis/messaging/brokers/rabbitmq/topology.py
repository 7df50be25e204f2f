"""Declares exchanges and queues on the broker, each time the adapter connects. See `docs/topology.md`."""

from collections.abc import Iterator

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from pamqp.common import FieldValue

from ...port import Depth, Subscription

# Seconds. A message waits for its retry in the first of these that is long enough; messages leave such a queue in
# order, so that a short wait behind long ones would become a long one.
RETRY_LEVELS = (1, 5, 30, 180, 1800)
# The consumer counts attempts and ends them. This is for a message that kills each process before that happens:
# RabbitMQ 4 would stop at 20, and reading dead letters counts as well.
DELIVERIES = 100
READINGS = 1_000_000
UNROUTED_MESSAGES = 100_000
UNROUTED_BYTES = 100_000_000
UNROUTED_MILLISECONDS = 7 * 24 * 3_600_000

Arguments = dict[str, FieldValue]


def retry_queue(name: str, seconds: float) -> str:
    """The queue where a message of a subscription waits that long."""
    level = next((level for level in RETRY_LEVELS if seconds <= level), RETRY_LEVELS[-1])
    return f"{name}.retry-{level}s"


def dead_queue(name: str) -> str:
    """The queue of a subscription's dead letters."""
    return f"{name}.dead"


def unrouted(exchange: str) -> str:
    """Exchange and queue of events without subscribers."""
    return f"{exchange}.unrouted"


def queues(name: str) -> Iterator[tuple[str, Arguments]]:
    """Every queue of a subscription with its arguments; a queue comes before those that lead to it."""
    yield dead_queue(name), _quorum({"x-delivery-limit": READINGS})
    yield name, _quorum({"x-delivery-limit": DELIVERIES}, dead_queue(name))
    for level in RETRY_LEVELS:
        yield retry_queue(name, level), _quorum({}, name)


class BrokerTopology:
    """Declares exchanges, queues and bindings; existing ones stay as they are.

    Args:
        exchange: name of the exchange of all events.

    Attributes:
        subscriptions: those of this process; events must not miss them.
        version: rises whenever everything has to be declared before the next event is published.
    """

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange
        self.subscriptions: tuple[Subscription, ...] = ()
        self.version = 0

    def add(self, subscription: Subscription) -> None:
        """Declare it from now on whenever anything is declared; it outlives its consumer."""
        if subscription not in self.subscriptions:
            self.subscriptions += (subscription,)
            self.invalidate()

    def invalidate(self) -> None:
        """Something declared may be gone from the server."""
        self.version += 1

    async def declare(self, channel: AbstractChannel) -> None:
        """Everything that must exist before an event is published."""
        await self.declare_exchange(channel)
        for subscription in self.subscriptions:
            await self.bind(channel, subscription)

    async def declare_exchange(self, channel: AbstractChannel) -> int:
        """The exchange of all events, and the one of events without subscribers; returns how many of these are kept."""
        spare = unrouted(self.exchange)
        await channel.declare_exchange(spare, ExchangeType.FANOUT, durable=True)
        queue = await channel.declare_queue(
            spare,
            durable=True,
            arguments=_quorum(
                {
                    "x-overflow": "drop-head",
                    "x-max-length": UNROUTED_MESSAGES,
                    "x-max-length-bytes": UNROUTED_BYTES,
                    "x-message-ttl": UNROUTED_MILLISECONDS,
                    "x-delivery-limit": READINGS,
                }
            ),
        )
        await queue.bind(spare, routing_key="")
        await channel.declare_exchange(
            self.exchange, ExchangeType.TOPIC, durable=True, arguments={"alternate-exchange": spare}
        )
        return queue.declaration_result.message_count or 0

    async def declare_queues(self, channel: AbstractChannel, name: str) -> Depth:
        """The queues of a subscription; returns how many messages they hold."""
        counts = {}
        for queue, arguments in queues(name):
            declared = await channel.declare_queue(queue, durable=True, arguments=arguments)
            counts[queue] = declared.declaration_result.message_count or 0
        dead = counts.pop(dead_queue(name))
        return Depth(waiting=sum(counts.values()), dead=dead)

    async def bind(self, channel: AbstractChannel, subscription: Subscription) -> None:
        """The queues, bound to the exchange for events of these types."""
        await self.declare_queues(channel, subscription.name)
        queue = await channel.get_queue(subscription.name, ensure=False)
        for type in subscription.types:
            await queue.bind(self.exchange, routing_key=type)


def _quorum(arguments: Arguments, dead_letters_to: str | None = None) -> Arguments:
    """A replicated queue. A message leaves it for another queue only once that one has confirmed."""
    if dead_letters_to is None:
        return {"x-queue-type": "quorum", **arguments}
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead_letters_to,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # at-least-once requires it; without a length limit nothing is ever rejected
        **arguments,
    }
