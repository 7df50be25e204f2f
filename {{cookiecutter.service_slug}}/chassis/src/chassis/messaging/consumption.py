"""Consumes for one subscription, and leaves it while the database is away for long.

A broker does not leave a message with a handler for ever: it may take it back after a time and count that as a failure,
so during a long outage messages that were never handled would become dead letters. A message that is returned counts no
attempt, however often the database is away.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import structlog

from ..background import is_set_within
from ..errors import Unavailable
from .inbox.processor import OUTAGE, Check, MessageProcessor
from .port import Handler, Subscription, noop

_log = structlog.stdlib.get_logger("consumer")


class Consumable(Protocol):
    """The part of a broker that a consumption uses."""

    def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        on_stopping: Callable[[], None] = noop,
    ) -> AbstractAsyncContextManager[None]:
        """As `Broker.consuming`."""
        ...


class Consumption:
    """One subscription in one process."""

    def __init__(self, broker: Consumable, processor: MessageProcessor, concurrency: int, check: Check) -> None:
        """Prepare; `run` subscribes.

        Args:
            broker: where the subscription is.
            processor: handles its messages.
            concurrency: how many at once.
            check: raises Unavailable while the database is away.
        """
        self.processor = processor
        self._broker = broker
        self._concurrency = concurrency
        self._check = check
        self._subscribed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._leaving = asyncio.Event()
        processor.on_long_outage = self._leaving.set

    async def run(self) -> None:
        """Consume until `stop`; then finish what is in flight."""
        processor, name = self.processor, self.processor.subscription.name
        while not self._stopping.is_set():
            self._leaving.clear()
            processor.resume()
            consuming = self._broker.consuming(processor.subscription, processor, self._concurrency, processor.stop)
            async with consuming:
                self._subscribed.set()
                await self._leaving.wait()
            if not self._stopping.is_set():
                _log.warning("consumer paused: the database is away", consumer=name)
                await self._available()
                _log.info("consumer resumed", consumer=name)

    async def subscribed(self) -> None:
        """Wait until the subscription was tried for the first time."""
        await self._subscribed.wait()

    def stop(self) -> None:
        """Have `run` end."""
        self._stopping.set()
        self._leaving.set()

    async def _available(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                await self._check()
            except Unavailable:
                failures += 1
                await is_set_within(self._stopping, OUTAGE.after(failures))
            else:
                return
