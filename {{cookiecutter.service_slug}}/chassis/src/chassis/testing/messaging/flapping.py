"""A database that fails again and again, each time for long."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ...errors import Unavailable
from ...messaging.port import Broker, Handler, Subscription, noop


class FlappingDatabase:
    """Fails whenever the subscription is consumed, and passes its check once that was left: so many times.

    It stands between the consumer and the broker to see that.
    """

    def __init__(self, broker: Broker, times: int) -> None:
        self._broker = broker
        self._times = times
        self._is_consumed = False
        self.left = 0

    @property
    def is_failing(self) -> bool:
        """Whether handlers fail."""
        return self.left < self._times

    async def check(self) -> None:
        """Raise Unavailable while the subscription is consumed."""
        if self.is_failing and self._is_consumed:
            raise Unavailable("database", "cannot be reached")

    @asynccontextmanager
    async def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        on_stopping: Callable[[], None] = noop,
    ) -> AsyncIterator[None]:
        """Deliver."""
        self._is_consumed = True
        async with self._broker.consuming(subscription, handle, concurrency, on_stopping):
            yield
        self._is_consumed = False
        self.left += 1
