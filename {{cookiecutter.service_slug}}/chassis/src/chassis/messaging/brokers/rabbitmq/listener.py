"""Receives the messages of one subscription, on a channel that is opened again whenever it was closed.

The broker delivers no more messages than there are handlers. Handlers do not belong to the channel: when it breaks they
go on, and as their messages can no longer be acknowledged, the broker redelivers them.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog
from aiormq.abc import DeliveredMessage

from ....background import Backoff, is_set_within
from ....errors import Unavailable
from ...port import Handler, Return, Subscription
from .connection import ReconnectingConnection
from .consumer_channel import ConsumerChannel
from .errors import unavailable_errors
from .headers import to_delivery
from .publisher import ConfirmingPublisher
from .settlement import MessageSettlement
from .topology import BrokerTopology

AGAIN = Backoff(first=0.1, longest=5)
STABLE_SECONDS = 5
SETUP_SECONDS = 10
CANCEL_SECONDS = 5
# A broker can believe that it delivers while nothing arrives: a quorum queue that is deleted and declared again at once
# does, and no request of AMQP 0-9-1 shows it. So no consumer is relied on for longer than this.
SILENCE_SECONDS = 300

_log = structlog.stdlib.get_logger("broker")

_Received = tuple[ConsumerChannel, DeliveredMessage]


class QueueListener:
    """One subscription in one process."""

    def __init__(
        self,
        connection: ReconnectingConnection,
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
        self._received: asyncio.Queue[_Received | None] = asyncio.Queue()
        self._channel: ConsumerChannel | None = None
        self._tried = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self._workers: list[asyncio.Task[None]] = []
        self._busy = 0
        self._last_seen = 0.0

    async def start(self) -> None:
        """Consume: now if the broker is available, else as soon as it is."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._concurrency)]
        self._keeping = asyncio.create_task(self._keep())
        await self._tried.wait()

    async def stop(self, on_stopping: Callable[[], None]) -> None:
        """Stop consuming, have handlers return the messages they hold, and wait for handlers in flight."""
        self._settlement.stop()
        try:
            await self._stop_consuming()
            unhandled = self._discard_received()
            on_stopping()
            for _ in self._workers:
                self._received.put_nowait(None)
            await asyncio.gather(*self._workers)
            for channel, message in unhandled:  # after those in flight, which came before them
                await self._settlement.settle(channel, message, to_delivery(message), Return("not handled"))
        finally:
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
            await self._close_channel()

    async def _stop_consuming(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
        if self._channel is not None:
            with suppress(Unavailable), unavailable_errors():
                async with asyncio.timeout(CANCEL_SECONDS):
                    await self._channel.underlay.basic_cancel(self._subscription.name)

    async def _keep(self) -> None:
        name = self._subscription.name
        failures = 0
        while True:
            started = asyncio.get_running_loop().time()
            try:
                with unavailable_errors():
                    await self._consume()
            except Unavailable as error:
                if not failures:
                    _log.warning("not subscribed yet; retrying", subscription=name, reason=error.reason)
            except Exception:
                _log.exception("consuming failed; retrying", subscription=name)
            self._tried.set()
            await self._close_channel()
            failures = 1 if asyncio.get_running_loop().time() - started > STABLE_SECONDS else failures + 1
            await asyncio.sleep(AGAIN.after(failures))

    async def _consume(self) -> None:
        """Consume until the channel is closed, or nothing has arrived for long."""
        name = self._subscription.name
        ended = asyncio.Event()
        connection = await self._connection.connection()
        async with asyncio.timeout(SETUP_SECONDS):
            receiving = self._channel = await ConsumerChannel.open(connection)
            channel, underlay = receiving.channel, receiving.underlay
            channel.close_callbacks.add(lambda *_: ended.set())
            # The broker cancels a consumer whose queue is deleted, and leaves the channel open.
            underlay.on_consumer_cancel_callbacks.add(lambda _: self._on_cancelled(ended))
            await self._topology.declare_exchange(channel)
            await self._topology.bind(channel, self._subscription)
            await channel.set_qos(prefetch_count=self._concurrency)
            self._discard_received()

            async def receive(message: DeliveredMessage) -> None:
                self._last_seen = asyncio.get_running_loop().time()
                self._received.put_nowait((receiving, message))

            # The queue's own `consume` converts each message, which takes as long as all the rest of receiving it.
            await underlay.basic_consume(name, receive, consumer_tag=name)
        self._tried.set()
        self._last_seen = asyncio.get_running_loop().time()
        _log.info("consuming", subscription=name)
        while not await is_set_within(ended, SILENCE_SECONDS):
            if not self._busy and asyncio.get_running_loop().time() - self._last_seen > SILENCE_SECONDS:
                _log.debug("no message for long; subscribing again", subscription=name)
                return
        _log.warning("consuming interrupted; retrying", subscription=name)

    def _on_cancelled(self, ended: asyncio.Event) -> None:
        # The publisher declares the queue before the next event, which would be unrouted until this consumer does.
        self._topology.invalidate()
        ended.set()

    def _discard_received(self) -> list[_Received]:
        """Messages received and not yet handled; the broker requeues them when their channel is closed."""
        discarded: list[_Received] = []
        while not self._received.empty():
            if received := self._received.get_nowait():
                discarded.append(received)
        return discarded

    async def _work(self) -> None:
        while (received := await self._received.get()) is not None:
            channel, message = received
            if channel.is_closed:
                continue
            self._busy += 1
            try:
                delivery = to_delivery(message)
                await self._settlement.settle(channel, message, delivery, await self._handle(delivery))
            except Exception:
                _log.exception("message not settled; it will be redelivered", subscription=self._subscription.name)
                await self._close_channel()
            finally:
                self._busy -= 1
                self._last_seen = asyncio.get_running_loop().time()

    async def _close_channel(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()
