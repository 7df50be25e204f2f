"""Publishing with confirms: many messages at once, and for each whether the broker stored it.

The messages of a batch are on their way together: each waits in a task of its own for its confirmation.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractMessage
from aio_pika.exceptions import DeliveryError, PublishError
from aiormq import Channel, spec

from ....errors import Unavailable
from ...port import Subscription
from .connection import ReconnectingConnection
from .errors import BLOCKED, unavailable_errors
from .topology import BrokerTopology

# As many as the library's queue to its writer holds. Where more publish at once, each waits for another turn of the
# event loop, which takes three times as long.
CHUNK = 10
# A blocked connection can only be detected by waiting for its end.
BLOCKED_SECONDS = 0.01

_Publishing = asyncio.Task[object]


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message on its way to an exchange, or to a queue.

    Args:
        exchange: the target; empty for the queue that the routing key names.
        routing_key: of the message.
        properties: with a `message_id`, by which the library recognizes a returned message.
        body: as it is.
    """

    exchange: str
    routing_key: str
    properties: spec.Basic.Properties
    body: bytes

    @classmethod
    def to_queue(cls, queue: str, message: AbstractMessage) -> "OutgoingMessage":
        """A message for one queue."""
        return cls("", queue, message.properties, message.body)

    @property
    def id(self) -> str:
        """Its message id."""
        return self.properties.message_id or ""


class ConfirmingPublisher:
    """A channel for publishing, opened again whenever it was closed."""

    def __init__(self, connection: ReconnectingConnection, topology: BrokerTopology, timeout_seconds: float) -> None:
        self._connection = connection
        self._topology = topology
        self._timeout_seconds = timeout_seconds
        self._channel: AbstractChannel | None = None
        self._declared_for: tuple[Subscription, ...] | None = None
        self._opening = asyncio.Lock()

    async def publish(self, messages: Sequence[OutgoingMessage]) -> set[str]:
        """Publish all of them in order, and wait until each is confirmed or refused.

        Returns:
            ids of the confirmed ones, without those that were returned because no queue takes them.

        Raises:
            Unavailable: the broker cannot be used, or did not answer in time, and none was confirmed.
        """
        publishing: list[_Publishing] = []
        try:
            async with self._ready() as channel:
                try:
                    await _publish(channel, messages, publishing)
                finally:
                    await _cancel(publishing)
                if any(isinstance(_error_of(each), PublishError) for each in publishing):
                    await channel.close()  # on a new one everything is declared again
        except Unavailable:
            if not any(map(_is_confirmed, publishing)):
                raise
        failed = {message.id for message, each in zip(messages, publishing, strict=False) if not _is_confirmed(each)}
        return {message.id for message in messages[: len(publishing)]} - failed

    async def check(self) -> None:
        """Raise Unavailable unless the broker accepts events."""
        async with self._ready() as channel:
            await channel.get_exchange(self._topology.exchange)

    @asynccontextmanager
    async def _ready(self) -> AsyncIterator[AbstractChannel]:
        """The channel; inside the block with a time limit and errors of the port."""
        connection: AbstractConnection | None = None
        with unavailable_errors():
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    connection = await self._connection.connection()
                    await _refuse_if_blocked(connection)
                    yield await self._open_channel(connection)
            except TimeoutError:
                if connection is not None:
                    await _refuse_if_blocked(connection)
                self._connection.abort()
                raise

    async def _open_channel(self, connection: AbstractConnection) -> AbstractChannel:
        """The channel. A new one may lead to a server that came back empty, so everything is declared on it."""
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = await connection.channel(on_return_raises=True)
                self._declared_for = None
            subscriptions = self._topology.subscriptions
            if self._declared_for != subscriptions:
                await self._topology.declare(self._channel)
                self._declared_for = subscriptions
            return self._channel


async def _refuse_if_blocked(connection: AbstractConnection) -> None:
    """Raise Unavailable if the server accepts nothing now. It will read on later, so the connection stays."""
    transport = connection.transport
    if transport is None:
        raise ConnectionResetError
    try:
        async with asyncio.timeout(BLOCKED_SECONDS):
            await transport.ready()
    except TimeoutError:
        raise Unavailable("broker", BLOCKED) from None


async def _publish(
    channel: AbstractChannel, messages: Sequence[OutgoingMessage], publishing: list[_Publishing]
) -> None:
    """Start each in order, then wait for all. Raises what ended the channel before that."""
    # The exchange's own `publish` converts each message once more, which takes half as long again.
    underlay = cast(Channel, await channel.get_underlay_channel())
    for start in range(0, len(messages), CHUNK):
        for each in messages[start : start + CHUNK]:
            confirmation = underlay.basic_publish(
                each.body,
                exchange=each.exchange,
                routing_key=each.routing_key,
                properties=each.properties,
                mandatory=True,
                wait=False,
            )
            publishing.append(asyncio.create_task(confirmation))
        await asyncio.sleep(0)
    if publishing:
        await asyncio.wait(publishing)
    for each_result in publishing:
        error = _error_of(each_result)
        if error is not None and not isinstance(error, DeliveryError):
            raise error


async def _cancel(publishing: Sequence[_Publishing]) -> None:
    """Have the library ignore confirmations that arrive too late."""
    if pending := [each for each in publishing if not each.done()]:
        for each in pending:
            each.cancel()
        await asyncio.wait(pending)


def _error_of(publishing: _Publishing) -> BaseException | None:
    if publishing.cancelled():
        return asyncio.CancelledError()
    return publishing.exception()


def _is_confirmed(publishing: _Publishing) -> bool:
    return publishing.done() and _error_of(publishing) is None
