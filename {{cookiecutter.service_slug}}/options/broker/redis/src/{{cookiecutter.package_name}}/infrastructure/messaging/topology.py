"""What there is on the server, by name: `docs/topology.md` tells it with the commands to look at it."""

from .port import Subscription

# The consumer to whom messages belong that wait for their next attempt: no process has this name.
WAITING = "waiting"
# How the body of a message is called among the fields of an entry. All others are headers.
BODY = b"body"


def stream_of(channel: str) -> str:
    """Where events of a channel go."""
    return f"events:{channel}"


def streams_of(subscription: Subscription) -> list[str]:
    """All that a subscription reads."""
    return [*map(stream_of, subscription.channels), replay_stream_of(subscription)]


def dead_stream_of(subscription: Subscription) -> str:
    """What the subscription could not handle."""
    return f"{subscription.name}:dead"


def replay_stream_of(subscription: Subscription) -> str:
    """What comes back to this subscription and to no other."""
    return f"{subscription.name}:replay"
