"""Names of what is stored on the server."""

from ...port import Subscription

# The consumer that owns messages waiting for their next attempt: no process has this name.
WAITING = "waiting"
# The field of an entry that holds the message's body. All other fields are headers.
BODY = b"body"


def stream_of(channel: str) -> str:
    """The stream of a channel's events."""
    return f"events:{channel}"


def streams_of(subscription: Subscription) -> list[str]:
    """All streams that a subscription reads."""
    return [*map(stream_of, subscription.channels), replay_stream_of(subscription)]


def dead_stream_of(subscription: Subscription) -> str:
    """The stream of a subscription's dead letters."""
    return f"{subscription.name}:dead"


def replay_stream_of(subscription: Subscription) -> str:
    """The stream of replayed messages, read by this subscription only."""
    return f"{subscription.name}:replay"
