"""Publishing with confirms: many messages at once, and for each one whether the broker keeps it.

aiormq's own `basic_publish` waits for one message; many at once would need a task for each, which takes three times the
time. So the frames of many messages go into one write, and aiormq matches confirms and returns as usual.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from aiormq import Channel, spec
from aiormq.abc import ChannelFrame, FrameType
from aiormq.exceptions import PublishError
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from ...domain.errors import Unavailable
from .connections import LastingConnection
from .errors import BLOCKED, unavailable, unavailable_errors
from .port import Subscription
from .topology import BrokerTopology

# So many are written in one go: the broker is at work on the first ones while the next are prepared.
CHUNK = 100
# aiormq knows whether it is blocked, and only lets one wait for the end of that.
BLOCKED_SECONDS = 0.01

_Confirmation = asyncio.Future[object]


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message on its way to an exchange, or straight to a queue.

    Args:
        exchange: where to; empty for the queue that the routing key names.
        routing_key: of the message.
        properties: with a `message_id`, by which the message is recognised if it is returned.
        body: as it is.
    """

    exchange: str
    routing_key: str
    properties: spec.Basic.Properties
    body: bytes

    @property
    def id(self) -> str:
        """What names it."""
        return self.properties.message_id or ""


class ConfirmingPublisher:
    """A channel for publishing, opened anew whenever it was closed."""

    def __init__(self, connection: LastingConnection, topology: BrokerTopology, timeout_seconds: float) -> None:
        self._connection = connection
        self._topology = topology
        self._timeout_seconds = timeout_seconds
        self._channel: Channel | None = None
        self._declared_for: tuple[Subscription, ...] | None = None
        self._opening = asyncio.Lock()

    async def publish(self, messages: Sequence[OutgoingMessage]) -> set[str]:
        """Send all of them in order, and wait for what the broker says.

        Returns:
            ids of those that it has confirmed; not of those that it gave back, because there is no queue for them.

        Raises:
            Unavailable: the broker cannot be used, or did not answer in time; nothing is known to have arrived.
        """
        confirmations: list[_Confirmation] = []
        try:
            async with self._ready() as channel:
                try:
                    for start in range(0, len(messages), CHUNK):
                        await _write(channel, messages[start : start + CHUNK], confirmations)
                    await _all_done(channel, confirmations)
                finally:
                    _forget(channel, messages, confirmations)
                if any(map(_has_come_back, confirmations)):
                    await channel.close()  # with a new one everything is declared anew
        except Unavailable:
            if not any(map(_is_good, confirmations)):
                raise
        failed = {message.id for message, each in zip(messages, confirmations, strict=False) if not _is_good(each)}
        return {message.id for message in messages[: len(confirmations)]} - failed

    async def check(self) -> None:
        """Raises Unavailable unless the broker takes events."""
        async with self._ready() as channel:
            await channel.exchange_declare(self._topology.exchange, passive=True)

    @asynccontextmanager
    async def _ready(self) -> AsyncIterator[Channel]:
        """The channel, with a time limit and errors in the domain's words as long as the block lasts."""
        with unavailable_errors():
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    channel = await self._open_channel()
                    await _refuse_if_blocked(channel)
                    yield channel
            except TimeoutError:
                if self._channel is not None:
                    await _refuse_if_blocked(self._channel)
                self._connection.abort()
                raise

    async def _open_channel(self) -> Channel:
        """The channel. A new one may lead to a server that came back empty, so everything is declared on it."""
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                connection = await self._connection.connection()
                self._channel = cast(Channel, await connection.channel())
                self._declared_for = None
            subscriptions = self._topology.subscriptions
            if self._declared_for != subscriptions:
                await self._topology.declare(self._channel)
                self._declared_for = subscriptions
            return self._channel


async def _refuse_if_blocked(channel: Channel) -> None:
    """The broker may have said that it takes nothing now. It reads on later, so the connection stays."""
    try:
        async with asyncio.timeout(BLOCKED_SECONDS):
            await channel.connection.ready()
    except TimeoutError:
        if not channel.is_closed:
            raise Unavailable("broker", BLOCKED) from None


async def _write(channel: Channel, messages: Sequence[OutgoingMessage], confirmations: list[_Confirmation]) -> None:
    loop = asyncio.get_running_loop()
    sent = channel.create_future()
    frame = ChannelFrame.marshall(channel.number, _frames(messages, channel.max_content_size), sent)
    new: list[_Confirmation] = [loop.create_future() for _ in messages]
    # The broker counts what arrives on a channel, and so does aiormq: nothing may come in between.
    async with channel.lock:
        tag = channel.delivery_tag
        for message, each in zip(messages, new, strict=True):
            tag += 1
            channel.confirmations[tag] = each
            channel.message_id_delivery_tag[message.id] = tag
        try:
            await channel.write_queue.put(frame)
        except BaseException:  # it was not sent, so the numbers are free
            for number in range(channel.delivery_tag + 1, tag + 1):
                del channel.confirmations[number]
            raise
        channel.delivery_tag = tag
    confirmations += new
    await sent


def _frames(messages: Sequence[OutgoingMessage], size: int) -> Iterator[FrameType | ContentBody]:
    for message in messages:
        yield spec.Basic.Publish(exchange=message.exchange, routing_key=message.routing_key, mandatory=True)
        yield ContentHeader(properties=message.properties, body_size=len(message.body))
        for start in range(0, len(message.body), size):
            yield ContentBody(message.body[start : start + size])


async def _all_done(channel: Channel, confirmations: Sequence[_Confirmation]) -> None:
    """Until each is confirmed or refused. Raises Unavailable if the channel is closed before."""
    done = asyncio.gather(*confirmations, return_exceptions=True)
    closing = channel.closing
    try:
        await asyncio.wait({done, closing}, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            raise unavailable(closing.exception() or ConnectionResetError())
    finally:
        closing.cancel()


def _forget(channel: Channel, messages: Sequence[OutgoingMessage], confirmations: Sequence[_Confirmation]) -> None:
    """Let aiormq throw away answers that come too late."""
    for message, each in zip(messages, confirmations, strict=False):
        channel.message_id_delivery_tag.pop(message.id, None)
        each.cancel()


def _has_come_back(confirmation: _Confirmation) -> bool:
    return not confirmation.cancelled() and isinstance(confirmation.exception(), PublishError)


def _is_good(confirmation: _Confirmation) -> bool:
    return confirmation.done() and not confirmation.cancelled() and confirmation.exception() is None
