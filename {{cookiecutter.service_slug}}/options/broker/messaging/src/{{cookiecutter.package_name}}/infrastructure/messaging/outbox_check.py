"""Tells when events are published late: no worker runs, or the broker takes nothing."""

from collections.abc import Awaitable, Callable

from ...domain.errors import Unavailable
from .store import MessageStore


def outbox_check(
    store: MessageStore,
    late_seconds: float,
    tell_age: Callable[[float], None],
) -> Callable[[], Awaitable[None]]:
    """A check for readiness.

    Args:
        store: where the outbox is.
        late_seconds: how long an event may wait.
        tell_age: told the age of the oldest event that waits; without a worker nobody else would say.
    """

    async def check() -> None:
        backlog = await store.backlog(limit=1)
        tell_age(backlog.oldest_seconds)
        if backlog.oldest_seconds > late_seconds:
            waiting = round(backlog.oldest_seconds)
            raise Unavailable("outbox", f"the oldest event has been waiting for {waiting} s: does a worker run?")

    return check
