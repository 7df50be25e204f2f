"""Runs interrupted steps again: after a deadlock or a lost connection, where nothing has been stored."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina
import structlog

from ..errors import Interrupted

ATTEMPTS = 3  # after the first one
# Instead of stamina's own hooks, which log the arguments of the retried call.
stamina.instrumentation.set_on_retry_hooks([])
_log = structlog.stdlib.get_logger("database")
T = TypeVar("T")


def noop() -> None:
    """Do nothing."""


class Retries:
    """Retries after Interrupted, with short pauses and within bounds.

    An outage during a commit is not retried, because its outcome is unknown: the client repeats the request, with its
    idempotency key.
    """

    def __init__(self, on_retry: Callable[[], None] = noop) -> None:
        """Set up retries.

        Args:
            on_retry: called before every attempt after the first.
        """
        self._on_retry = on_retry
        self._again = stamina.AsyncRetryingCaller(
            attempts=ATTEMPTS, timeout=None, wait_initial=0.01, wait_max=0.25, wait_jitter=0.05
        ).on(Interrupted)

    async def run(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Run an attempt until it succeeds, fails for another reason, or has failed too often."""
        try:
            return await attempt()
        except Interrupted as error:
            _log.warning("transaction interrupted; retrying", reason=error.reason)
            return await self._again(self._counted, attempt)

    async def _counted(self, attempt: Callable[[], Awaitable[T]]) -> T:
        self._on_retry()
        return await attempt()
