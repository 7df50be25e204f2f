"""What the service expects of a broker. Each adapter keeps the same contract: `tests/brokers.py` runs it over all.

Delivery is at least once: a message may come twice, it is never lost. What makes the effect happen once is the inbox.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ...domain.errors import DomainError

CONTENT_TYPE = "application/cloudevents+json"


def channel_of(type: str) -> str:
    """Where events of a type go: `order-service.order` for `order-service.order.confirmed`.

    One for each aggregate of a service, so that all events of one aggregate take the same way and stay in order.
    """
    return type.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Message:
    """An event on its way out. The body is final: no adapter looks into it or changes it.

    Args:
        id: of the event; a broker that recognises repeated messages does it by this.
        type: of the event, such as `order-service.order.confirmed`.
        key: messages with the same key stay in order.
        body: a CloudEvent in structured JSON.
    """

    id: str
    type: str
    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a broker hands over. Anybody may have sent it: nobody has looked into it yet.

    Args:
        body: as it was sent.
        headers: as they were sent, without those that an adapter adds for itself.
        attempt: 1 the first time; counts deliveries that ended in Retry, or in the death of the process.
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Done:
    """Applied, or nothing to apply: it must not come again."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now: deliver it again after a time in seconds, and others in the meantime."""

    after_seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Dead:
    """Never: put it aside with the reason, for a person to decide."""

    reason: str


Verdict = Done | Retry | Dead
Handler = Callable[[Delivery], Awaitable[Verdict]]


def nothing() -> None:
    """For handlers that never wait for anything but themselves."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who takes which events.

    Args:
        name: of the one who takes them, such as `order-service.history`; names its queue, group or durable consumer,
            which all replicas share.
        types: of the events. An adapter may deliver others of the same channels; they are ignored.
    """

    name: str
    types: Sequence[str]

    @property
    def channels(self) -> list[str]:
        """Where these events come from."""
        return sorted({channel_of(type) for type in self.types})


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was put aside, exactly as it was sent, and why.

    Args:
        id: names it in `dead-letters show` and `replay`; the broker's, as a message may hold none that can be read.
        reason: of the last failure.
        attempts: how often it was delivered.
        failed_at: when it was put aside, in UTC.
        left_out: what of it is missing here, because no letter can be that large, and where the original was.
    """

    id: str
    reason: str
    attempts: int
    failed_at: datetime
    headers: Mapping[str, str]
    body: bytes
    left_out: str = ""


class DeadLetterNotFound(DomainError):
    """No dead letter has this id: it never was one, or it was replayed already."""

    def __init__(self, id: str) -> None:
        super().__init__(f"no dead letter {id}")


class DeadLetterIncomplete(DomainError):
    """A dead letter cannot be replayed: it holds no body, and the original is out of reach."""

    def __init__(self, id: str, reason: str) -> None:
        super().__init__(f"dead letter {id} cannot be replayed: {reason}")


@dataclass(frozen=True, slots=True)
class Depth:
    """How much lies with a subscription: `waiting` to be handled or handled again, `dead` put aside."""

    waiting: int
    dead: int


class Broker(Protocol):
    """Opened once, closed at the end; safe for concurrent use by one event loop."""

    @property
    def kind(self) -> str:
        """What it is, for /info."""
        ...

    async def open(self) -> None:
        """Get ready. A broker that is away now may come later and is no error here: what needs it raises Unavailable.

        From then on the connection is made again whenever it breaks, without a restart.
        """
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...

    async def check(self) -> None:
        """Raises Unavailable with the reason, in a form that may be shown (no address, no secret)."""
        ...

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Send all of them at once, in order, and wait until each is confirmed or refused.

        Declares what it sends to, if that is not there yet. An event that nobody subscribes to is confirmed.

        Returns:
            ids of those that the broker has confirmed to keep; the others may or may not have arrived.

        Raises:
            Unavailable: the broker cannot be used, or did not answer within its time limit.
        """
        ...

    def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        let_go: Callable[[], None] = nothing,
    ) -> AbstractAsyncContextManager[None]:
        """Deliver messages as long as the block lasts, also after the broker was away.

        Declares the subscription before the block begins, if the broker is there; else as soon as it is. What was
        published before a subscription was declared for the first time need not be delivered.

        The handler is started in the order of delivery, at most `concurrency` times at once. It never raises. It may
        take minutes (while the database is away): the message stays with it as long as this process lives. When the
        process dies, the message is delivered again, to whoever is there.

        At the end of the block no message is taken any more; then `let_go` is called, so that handlers give back what
        they hold, and handlers in flight are waited for. In this order, because what they give back would else come
        again at once, and again.
        """
        ...

    async def dead_letters(self, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """The oldest ones first. Raises Unavailable."""
        ...

    async def dead_letter(self, subscription: Subscription, id: str) -> DeadLetter:
        """One of them. Raises DeadLetterNotFound, Unavailable."""
        ...

    async def replay(self, subscription: Subscription, id: str) -> None:
        """Hand a dead letter to its subscription, and to no other, as if it came for the first time; it is then gone.

        Broken off in the middle, it is delivered, or still a dead letter, or both, never neither.

        Raises:
            DeadLetterNotFound: it was replayed already.
            DeadLetterIncomplete: its body is neither in it nor, any more, where the message came from.
            Unavailable: the broker cannot be used.
        """
        ...

    async def depth(self, subscription: Subscription) -> Depth:
        """How much lies there. Raises Unavailable."""
        ...
