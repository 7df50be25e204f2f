"""A channel on which many messages are published at once, each with a confirm of its own.

aiormq's `basic_publish` takes a task, some futures and a write to the socket for each message, which is most of what a
published event costs. So aiormq opens the channel, declares on it and closes it, while messages and their confirms
bypass the library on the connection's own transport. aiormq ignores confirms on a channel that it opened without them.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from aio_pika.abc import AbstractChannel, AbstractMessage
from aiormq import spec
from aiormq.abc import AbstractChannel as UnderlayChannel
from pamqp.body import ContentBody
from pamqp.frame import FrameTypes, marshal
from pamqp.header import ContentHeader

from .connection import BrokerConnection
from .transport import BrokerTransport

# This many messages are written at once: the server works on the first while the next are prepared.
CHUNK = 100
FRAME_OVERHEAD = len(marshal(ContentBody(b""), 0))


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message on its way to an exchange, or to a queue.

    Args:
        exchange: the target; empty for the queue that the routing key names.
        routing_key: of the message.
        properties: with a `message_id`, by which a returned message is recognized.
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


@dataclass(slots=True)
class Confirms:
    """The answers of the server to some messages.

    Args:
        missing: how many answers have not arrived.

    Attributes:
        confirmed: ids of the messages that the server stored.
        is_returned: whether a message came back because no queue takes it.
        complete: done when no answer is missing.
    """

    missing: int
    confirmed: set[str] = field(default_factory=set)
    is_returned: bool = False
    complete: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def add(self, id: str, *, is_stored: bool) -> None:
        """Record an answer."""
        if is_stored:
            self.confirmed.add(id)
        self.missing -= 1
        if not self.missing and not self.complete.done():
            self.complete.set_result(None)


@dataclass(slots=True)
class _Sent:
    """A message without an answer yet."""

    id: str
    confirms: Confirms
    is_returned: bool = False


class ConfirmChannel:
    """Publishes, and matches the server's answers by their delivery tags (publisher confirms, a RabbitMQ extension)."""

    def __init__(self, channel: AbstractChannel, underlay: UnderlayChannel, transport: BrokerTransport) -> None:
        self.channel = channel
        self._underlay = underlay
        self._transport = transport
        self._longest_body = underlay.connection.connection_tune.frame_max - FRAME_OVERHEAD
        self._is_closing = False
        self._last_tag = 0
        self._unanswered: dict[int, _Sent] = {}  # by delivery tag, in order

    @classmethod
    async def open(cls, connection: BrokerConnection) -> "ConfirmChannel":
        """A new channel of this connection."""
        channel = await connection.channel(publisher_confirms=False)
        underlay = await channel.get_underlay_channel()
        opened = cls(channel, underlay, connection.tcp)
        connection.tcp.receivers[underlay.number] = opened._receive
        await underlay.confirm_delivery()
        return opened

    @property
    def is_closed(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._is_closing or self.channel.is_closed

    async def close(self) -> None:
        """Close it. Messages without an answer may have arrived."""
        self._is_closing = True
        await self.channel.close()

    async def publish(self, messages: Sequence[OutgoingMessage], confirms: Confirms) -> None:
        """Publish all of them in order, and wait until each is confirmed or refused.

        Args:
            messages: all mandatory.
            confirms: receives the answers, also if this raises.

        Raises:
            AMQPError, OSError: the reason why the channel was closed before that.
        """
        for start in range(0, len(messages), CHUNK):
            if self.is_closed:
                break
            self._write(messages[start : start + CHUNK], confirms)
            await self._transport.drain()
            await asyncio.sleep(0)  # other tasks, and what has arrived meanwhile
        if messages:
            await self._wait_for(confirms)

    def _write(self, messages: Sequence[OutgoingMessage], confirms: Confirms) -> None:
        # Nothing else may be published in between: the server counts the messages of a channel.
        self._transport.write(b"".join(self._frames(messages)))
        for tag, message in enumerate(messages, self._last_tag + 1):
            self._unanswered[tag] = _Sent(message.id, confirms)
        self._last_tag += len(messages)

    def _frames(self, messages: Sequence[OutgoingMessage]) -> Iterator[bytes]:
        number = self._underlay.number
        methods: dict[tuple[str, str], bytes] = {}  # the same for most messages
        for message in messages:
            target = message.exchange, message.routing_key
            if target not in methods:
                method = spec.Basic.Publish(exchange=message.exchange, routing_key=message.routing_key, mandatory=True)
                methods[target] = marshal(method, number)
            yield methods[target]
            yield marshal(ContentHeader(properties=message.properties, body_size=len(message.body)), number)
            for start in range(0, len(message.body), self._longest_body):
                yield marshal(ContentBody(message.body[start : start + self._longest_body]), number)

    async def _wait_for(self, confirms: Confirms) -> None:
        closing = self._underlay.closing
        try:
            await asyncio.wait({confirms.complete, closing}, return_when=asyncio.FIRST_COMPLETED)
            if not confirms.complete.done():
                raise closing.exception() or ConnectionResetError
        finally:
            closing.cancel()  # stops this observer only

    def _receive(self, frame: FrameTypes) -> None:
        match frame:
            case spec.Basic.Ack():
                self._answer(frame, is_stored=True)
            case spec.Basic.Nack():
                self._answer(frame, is_stored=False)
            case ContentHeader():  # of a returned message: this channel receives no others
                self._return(frame.properties.message_id)
            case spec.Channel.Close() | spec.Channel.CloseOk():
                # At once, before the library answers: the number may belong to another channel then.
                self._is_closing = True
                self._transport.receivers.pop(self._underlay.number, None)

    def _return(self, id: str | None) -> None:
        """A confirm follows, which does not count."""
        for sent in self._unanswered.values():
            if sent.id == id and not sent.is_returned:
                sent.is_returned = sent.confirms.is_returned = True
                return

    def _answer(self, frame: spec.Basic.Ack | spec.Basic.Nack, *, is_stored: bool) -> None:
        last = frame.delivery_tag or 0
        tags = list(takewhile(lambda tag: tag <= last, self._unanswered)) if frame.multiple else [last]
        for tag in tags:
            if (sent := self._unanswered.pop(tag, None)) is not None:
                sent.confirms.add(sent.id, is_stored=is_stored and not sent.is_returned)
