"""Runs again what the database broke off, where that is safe, and tells observers what was committed."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

import stamina
import structlog

from ...domain.errors import Interrupted
from ...domain.events import {{ cookiecutter.__Entity }}Event
from ...domain.model import {{ cookiecutter.__Entity }}
from ...domain.ports import Page, UnitOfWork
from ...domain.values import Status
from .port import Database

ATTEMPTS = 3  # after the first one
# Instead of stamina's own, whose lines hold the arguments of what is tried.
stamina.instrumentation.set_on_retry_hooks([])
_log = structlog.stdlib.get_logger("database")
Observer = Callable[[Sequence[{{ cookiecutter.__Entity }}Event]], None]
T = TypeVar("T")


class RetryingDatabase:
    """Transactions and queries of a database, tried again after Interrupted: a deadlock, a lost connection.

    Nothing was stored then. An outage during a commit is not retried: the client does that, with its idempotency key.
    """

    def __init__(self, database: Database, count_retry: Callable[[], None], *observers: Observer) -> None:
        """Wrap a database.

        Args:
            database: what is tried.
            count_retry: called for every attempt after the first.
            observers: told what a transaction has committed; they must not raise, because the change stands already.
        """
        self._database = database
        self._count_retry = count_retry
        self._observers = observers
        self._again = stamina.AsyncRetryingCaller(
            attempts=ATTEMPTS, timeout=None, wait_initial=0.01, wait_max=0.25, wait_jitter=0.05
        ).on(Interrupted)

    async def run(self, step: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Run a step in a transaction."""
        return await self._tried(lambda: self._transaction(step))

    async def find(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """Read one."""
        return await self._tried(lambda: self._database.find(id))

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Page:
        """Read a page."""
        return await self._tried(lambda: self._database.page(status, after, limit))

    async def _transaction(self, step: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        async with self._database.begin() as work:
            result = await step(work)
        if work.events:
            for observe in self._observers:
                observe(work.events)
        return result

    async def _tried(self, attempt: Callable[[], Awaitable[T]]) -> T:
        try:
            return await attempt()
        except Interrupted as error:
            _log.warning("broke off and will be tried again", reason=error.reason)
            return await self._again(self._counted, attempt)

    async def _counted(self, attempt: Callable[[], Awaitable[T]]) -> T:
        self._count_retry()
        return await attempt()
