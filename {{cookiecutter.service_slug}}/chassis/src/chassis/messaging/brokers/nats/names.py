"""Names of streams, subjects and consumers. See `docs/topology.md`."""

import re
from dataclasses import dataclass

from ...port import Subscription

_LEGAL = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def owner_of(name: str) -> str:
    """The service that owns a type, a channel or a subscription; the stream of its events has the same name."""
    if not _LEGAL.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a stream or a subject")
    return name.partition(".")[0]


def subject_of(type: str) -> str:
    """The subject of an event type."""
    return f"events.{type}"


def consumer_of(subscription: Subscription, channel: str) -> str:
    """The durable consumer of a subscription in the stream of the channel's service."""
    return f"{subscription.name}.{channel.partition('.')[2]}".replace(".", "_").rstrip("_")


@dataclass(frozen=True, slots=True)
class DeadLetterNames:
    """Where the dead letters of a subscription are stored, and where they are replayed from."""

    dead_stream: str
    dead_subject: str
    replay_stream: str
    replay_subject: str
    replay_consumer: str

    @classmethod
    def of(cls, subscription: Subscription) -> "DeadLetterNames":
        """The names of one subscription."""
        owner = owner_of(subscription.name)
        return cls(
            dead_stream=f"{owner}-dead-letters",
            dead_subject=f"dead-letters.{subscription.name}",
            replay_stream=f"{owner}-replays",
            replay_subject=f"replays.{subscription.name}",
            replay_consumer=subscription.name.replace(".", "_"),
        )


def is_replay(subject: str) -> bool:
    """Whether a message is a replayed dead letter, which only the service itself can have published."""
    return subject.startswith("replays.")
