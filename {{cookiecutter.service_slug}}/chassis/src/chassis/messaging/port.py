"""The interface of a broker. Each adapter passes `chassis.testing.brokers`.

Delivery is at least once: a message may arrive twice, it is never lost. The inbox makes its effect happen once.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ..domain import DomainError

CONTENT_TYPE = "application/cloudevents+json"


def channel_of(type: str) -> str:
    """The channel of an event type: `billing-service.invoice` for `billing-service.invoice.paid`.

    One per kind of aggregate, so that all events of an aggregate take the same path and stay in order.
    """
    return type.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Message:
    """An event to publish. The body is final: no adapter parses or changes it.

    Args:
        id: of the event; brokers with deduplication use it.
        type: of the event, such as `billing-service.invoice.paid`.
        key: messages with the same key stay in order.
        body: a CloudEvent in structured JSON.
    """

    id: str
    type: str
    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """A received message. It is untrusted: any client of the broker may have sent it.

    Args:
        body: as it was sent.
        headers: as they were sent, without those that the adapter adds.
        attempt: 1 the first time; counts deliveries that ended in Retry or with the process, not in Return. A broker
            that cannot distinguish the last two leaves the first few of them uncounted.
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Done:
    """Handled, or nothing to handle: acknowledge it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now: redeliver it after a time in seconds, and other messages in the meantime."""

    after_seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Return:
    """Not tried: redeliver it without counting an attempt, as this consumer stops. Only after `on_stopping`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Dead:
    """Never: dead-letter it with the reason, for a person to decide."""

    reason: str


Verdict = Done | Retry | Return | Dead
Handler = Callable[[Delivery], Awaitable[Verdict]]


def noop() -> None:
    """For handlers that hold no messages."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which consumer receives which events.

    Args:
        name: of the consumer, such as `billing-service.history`; also of its queue, group or durable consumer, which
            all replicas share.
        types: of the events. An adapter may deliver other types of the same channels.
    """

    name: str
    types: Sequence[str]

    @property
    def channels(self) -> list[str]:
        """The channels of these events."""
        return sorted({channel_of(type) for type in self.types})


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be handled, exactly as it was sent, and why.

    Args:
        id: names it in `dead-letters show`, `replay` and `discard`; assigned by the broker, as the message may hold no
            valid id.
        reason: of the last failure.
        attempts: how often it was delivered.
        failed_at: when it was dead-lettered, in UTC.
        left_out: what is missing because of the size limit, and where the original is.
    """

    id: str
    reason: str
    attempts: int
    failed_at: datetime
    headers: Mapping[str, str]
    body: bytes
    left_out: str = ""


class DeadLetterNotFound(DomainError):
    """No dead letter has this id: it never existed, or it was replayed or discarded already."""

    def __init__(self, id: str) -> None:
        super().__init__(f"no dead letter {id}")


class DeadLetterIncomplete(DomainError):
    """A dead letter cannot be replayed: it holds no body, and the original no longer exists."""

    def __init__(self, id: str, reason: str) -> None:
        super().__init__(f"dead letter {id} cannot be replayed: {reason}")


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages of a subscription: `waiting` to be handled or retried, `dead` as dead letters."""

    waiting: int
    dead: int


class Broker(Protocol):
    """Opened once, closed at the end; safe for concurrent use by one event loop."""

    @property
    def kind(self) -> str:
        """The kind of broker, for /info."""
        ...

    async def open(self) -> None:
        """Prepare for use. A broker that is away now may come later and is not an error here; operations raise
        Unavailable.

        From then on the adapter reconnects whenever the connection breaks.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...

    async def check(self) -> None:
        """Raise Unavailable with a reason that may be shown (no address, no secret)."""
        ...

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Publish all of them at once, in order, and wait until each is confirmed or refused.

        Declares the channels if they do not exist. An event without subscribers is confirmed.

        Returns:
            ids of the messages that the broker has confirmed to store; the others may or may not have arrived.

        Raises:
            Unavailable: the broker cannot be used, or did not answer within the time limit.
        """
        ...

    def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        on_stopping: Callable[[], None] = noop,
    ) -> AbstractAsyncContextManager[None]:
        """Deliver messages inside the block, also after the broker was away.

        Declares the subscription before the block begins if the broker is available, else as soon as it is. Messages
        published before a subscription was first declared need not be delivered.

        The handler is called in the order of delivery, with at most `concurrency` calls at once. It never raises.
        It may
        take minutes (while the database is away): the message stays with it while this process lives. When the
        process dies, the message is redelivered to another consumer.

        At the end of the block the adapter stops receiving; then it calls `on_stopping`, so that handlers return the
        messages they hold, and waits for handlers in flight. In this order, because returned messages would otherwise
        be redelivered here at once, over and over.
        """
        ...

    async def dead_letters(self, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """The oldest first. Raises Unavailable."""
        ...

    async def dead_letter(self, subscription: Subscription, id: str) -> DeadLetter:
        """One of them. Raises DeadLetterNotFound, Unavailable."""
        ...

    async def replay(self, subscription: Subscription, id: str) -> None:
        """Deliver a dead letter to its subscription, and to no other, as if for the first time, and delete it.

        If it fails half-way, the message is delivered, or still a dead letter, or both; never neither.

        Raises:
            DeadLetterNotFound: it was replayed already.
            DeadLetterIncomplete: its body is missing, and the original message no longer exists.
            Unavailable: the broker cannot be used.
        """
        ...

    async def discard(self, subscription: Subscription, id: str) -> None:
        """Delete a dead letter that can never be handled. Raises DeadLetterNotFound, Unavailable."""
        ...

    async def depth(self, subscription: Subscription) -> Depth:
        """The number of messages. Raises Unavailable."""
        ...

    async def unrouted(self) -> int | None:
        """The number of events that reached no subscription and are kept aside. Raises Unavailable.

        None where events are stored whether or not they have subscriptions, so that none is kept aside.
        """
        ...
