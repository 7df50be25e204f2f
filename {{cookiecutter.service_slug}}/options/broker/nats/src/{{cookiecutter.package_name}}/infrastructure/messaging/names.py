"""What streams, subjects and consumers are called. `docs/topology.md` shows it."""

import re
from dataclasses import dataclass

from .port import Subscription

_LEGAL = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def owner_of(name: str) -> str:
    """The service that a type, a channel or a subscription belongs to; its events are in the stream of that name."""
    if not _LEGAL.fullmatch(name):
        raise ValueError(f"neither a stream nor a subject can be named after {name!r}")
    return name.partition(".")[0]


def subject_of(type: str) -> str:
    """Where an event of this type is published."""
    return f"events.{type}"


@dataclass(frozen=True, slots=True)
class Aside:
    """Where a subscription's messages go that could not be handled, and where they come back from."""

    dead_stream: str
    dead_subject: str
    replay_stream: str
    replay_subject: str
    replay_consumer: str

    @classmethod
    def of(cls, subscription: Subscription) -> "Aside":
        """Those of one subscription."""
        owner = owner_of(subscription.name)
        return cls(
            dead_stream=f"{owner}-dead-letters",
            dead_subject=f"dead-letters.{subscription.name}",
            replay_stream=f"{owner}-replays",
            replay_subject=f"replays.{subscription.name}",
            replay_consumer=subscription.name.replace(".", "_"),
        )


def is_replay(subject: str) -> bool:
    """Whether a message is one that only the service itself can have sent, to bring a dead letter back."""
    return subject.startswith("replays.")


def consumer_of(subscription: Subscription, channel: str) -> str:
    """The durable consumer of a subscription in the stream of the channel's service."""
    return f"{subscription.name}.{channel.partition('.')[2]}".replace(".", "_").rstrip("_")
