"""What is declared on the broker. Whoever needs it declares it, each time it connects. See `docs/topology.md`."""

from collections.abc import Iterator

from aiormq.abc import AbstractChannel
from pamqp.common import FieldValue

from .port import Depth, Subscription

# Seconds. A message waits for its next attempt in the first of these that is long enough; messages leave such a queue
# in order, so that a short wait among long ones would become a long one.
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
    """Where a message of a subscription waits that long."""
    level = next((level for level in RETRY_LEVELS if seconds <= level), RETRY_LEVELS[-1])
    return f"{name}.retry-{level}s"


def dead_queue(name: str) -> str:
    """Where the dead letters of a subscription lie."""
    return f"{name}.dead"


def unrouted(exchange: str) -> str:
    """Where events go that nobody has subscribed to."""
    return f"{exchange}.unrouted"


def queues(name: str) -> Iterator[tuple[str, Arguments]]:
    """Every queue of a subscription with its arguments, those first that others lead to."""
    yield dead_queue(name), _quorum({"x-delivery-limit": READINGS})
    yield name, _quorum({"x-delivery-limit": DELIVERIES}, dead_queue(name))
    for level in RETRY_LEVELS:
        yield retry_queue(name, level), _quorum({}, name)


class BrokerTopology:
    """Declares; what is there already stays as it is.

    Args:
        exchange: name of the one that all events go to.

    Attributes:
        subscriptions: those that this process serves, which events must not miss.
    """

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange
        self.subscriptions: tuple[Subscription, ...] = ()

    def add(self, subscription: Subscription) -> None:
        """Have it declared by all that is declared from now on; it outlives its consumer."""
        if subscription not in self.subscriptions:
            self.subscriptions += (subscription,)

    async def declare(self, channel: AbstractChannel) -> None:
        """All that has to be there before an event is published."""
        await self.declare_exchange(channel)
        for subscription in self.subscriptions:
            await self.bind(channel, subscription)

    async def declare_exchange(self, channel: AbstractChannel) -> None:
        """Where events are published, and where those go that nobody takes."""
        spare = unrouted(self.exchange)
        await channel.exchange_declare(spare, exchange_type="fanout", durable=True)
        await channel.queue_declare(
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
        await channel.queue_bind(spare, spare)
        await channel.exchange_declare(
            self.exchange,
            exchange_type="topic",
            durable=True,
            arguments={"alternate-exchange": spare},
        )

    async def declare_queues(self, channel: AbstractChannel, name: str) -> Depth:
        """The queues of a subscription; tells how much lies in them."""
        counts = {}
        for queue, arguments in queues(name):
            declared = await channel.queue_declare(queue, durable=True, arguments=arguments)
            counts[queue] = declared.message_count or 0
        dead = counts.pop(dead_queue(name))
        return Depth(waiting=sum(counts.values()), dead=dead)

    async def bind(self, channel: AbstractChannel, subscription: Subscription) -> None:
        """The queues, and that events of these types go there from the exchange."""
        await self.declare_queues(channel, subscription.name)
        for type in subscription.types:
            await channel.queue_bind(subscription.name, self.exchange, routing_key=type)


def _quorum(arguments: Arguments, dead_letters_to: str | None = None) -> Arguments:
    """A replicated queue. What it passes on to another one leaves it only once that one has confirmed."""
    if dead_letters_to is None:
        return {"x-queue-type": "quorum", **arguments}
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead_letters_to,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # at-least-once demands it; nothing is ever rejected without a length limit
        **arguments,
    }
