"""Takes the messages of one subscription, on a channel that is opened anew whenever it was closed.

The broker hands out no more messages than there are handlers. Handlers do not belong to the channel: when it breaks
they go on, and as what they hold cannot be acknowledged any more, it is delivered again.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog
from aiormq.abc import AbstractChannel, DeliveredMessage

from ...domain.errors import Unavailable
from .backoff import Backoff
from .confirms import ConfirmingPublisher
from .connections import LastingConnection
from .errors import unavailable_errors
from .headers import to_delivery
from .port import Handler, Subscription
from .settlement import MessageSettlement
from .topology import BrokerTopology

AGAIN = Backoff(first=0.1, longest=5)
STABLE_SECONDS = 5
SETUP_SECONDS = 10
CLOSE_SECONDS = 5

_log = structlog.stdlib.get_logger("broker")


class QueueConsumer:
    """One subscription in one process."""

    def __init__(
        self,
        connection: LastingConnection,
        publisher: ConfirmingPublisher,
        topology: BrokerTopology,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
    ) -> None:
        self._connection = connection
        self._topology = topology
        self._subscription = subscription
        self._handle = handle
        self._concurrency = concurrency
        self._settlement = MessageSettlement(publisher, subscription.name)
        self._arrived: asyncio.Queue[DeliveredMessage | None] = asyncio.Queue()
        self._channel: AbstractChannel | None = None
        self._tried = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self._workers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take messages: now if the broker is there, else as soon as it is."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._concurrency)]
        self._keeping = asyncio.create_task(self._keep())
        await self._tried.wait()

    async def stop(self, let_go: Callable[[], None]) -> None:
        """Take none any more, have handlers give back what they hold, and wait for those at work."""
        self._settlement.stop()
        try:
            await self._stop_taking()
            let_go()
            for _ in self._workers:
                self._arrived.put_nowait(None)
            await asyncio.gather(*self._workers)
        finally:
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
            await self._close_channel()

    async def _stop_taking(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
        if self._channel is not None:
            with suppress(Unavailable), unavailable_errors():
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._channel.basic_cancel(self._subscription.name)
        # What has arrived and was not begun goes back when the channel is closed.
        self._forget_arrived()

    async def _keep(self) -> None:
        failures = 0
        while True:
            started = asyncio.get_running_loop().time()
            try:
                with unavailable_errors():
                    await self._take_until_closed()
                _log.warning("takes no messages any more", subscription=self._subscription.name)
            except Unavailable as error:
                if not failures:
                    _log.warning("cannot take messages", subscription=self._subscription.name, reason=error.reason)
            except Exception:
                _log.exception("cannot take messages", subscription=self._subscription.name)
            self._tried.set()
            await self._close_channel()
            failures = 1 if asyncio.get_running_loop().time() - started > STABLE_SECONDS else failures + 1
            await asyncio.sleep(AGAIN.after(failures))

    async def _take_until_closed(self) -> None:
        name = self._subscription.name
        refused = asyncio.Event()
        connection = await self._connection.connection()
        async with asyncio.timeout(SETUP_SECONDS):
            channel = self._channel = await connection.channel(publisher_confirms=False)
            # The broker ends a consumer whose queue is deleted, and leaves the channel open.
            channel.on_consumer_cancel_callbacks.add(lambda _: refused.set())
            await self._topology.declare_exchange(channel)
            await self._topology.bind(channel, self._subscription)
            await channel.basic_qos(prefetch_count=self._concurrency)
            self._forget_arrived()
            await channel.basic_consume(name, self._arrive, consumer_tag=name)
        self._tried.set()
        _log.info("takes messages", subscription=name)
        refusal = asyncio.create_task(refused.wait())
        try:
            await asyncio.wait({channel.closing, refusal}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            refusal.cancel()

    async def _arrive(self, message: DeliveredMessage) -> None:
        self._arrived.put_nowait(message)

    def _forget_arrived(self) -> None:
        while not self._arrived.empty():
            self._arrived.get_nowait()

    async def _work(self) -> None:
        while (message := await self._arrived.get()) is not None:
            if message.channel.is_closed:
                continue
            try:
                delivery = to_delivery(message)
                await self._settlement.settle(message, delivery, await self._handle(delivery))
            except Exception:
                _log.exception("a message is not settled and comes again", subscription=self._subscription.name)
                await self._close_channel()

    async def _close_channel(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None and not channel.is_closed:
            with suppress(Unavailable), unavailable_errors():
                async with asyncio.timeout(CLOSE_SECONDS):
                    await channel.close()
