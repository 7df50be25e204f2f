"""Puts verdicts into effect."""

import asyncio

import structlog
from aio_pika import IncomingMessage
from aio_pika.abc import AbstractMessage
from aiormq.abc import DeliveredMessage

from ....background import Backoff, is_set_within
from ....errors import Unavailable
from ...port import Dead, Delivery, Done, Retry, Return, Verdict
from .confirms import OutgoingMessage
from .consumer_channel import ConsumerChannel
from .headers import UNCOUNTED, redeliveries, to_dead_letter, to_retry, to_return
from .publisher import ConfirmingPublisher
from .topology import dead_queue, retry_queue

AGAIN = Backoff(first=0.1, longest=5)

_log = structlog.stdlib.get_logger("broker")


class MessageSettlement:
    """Acknowledges, returns, retries and dead-letters.

    A message is acknowledged last: if that is interrupted, the broker redelivers it.
    """

    def __init__(self, publisher: ConfirmingPublisher, name: str) -> None:
        self._publisher = publisher
        self._name = name
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Stop waiting for a broker that accepts no copies now."""
        self._stopping.set()

    async def settle(
        self, channel: ConsumerChannel, message: DeliveredMessage, delivery: Delivery, verdict: Verdict
    ) -> None:
        """Settle a message of this channel. If the channel is closed, the broker redelivers."""
        match verdict:
            case Done():
                channel.acknowledge(message)
            case Return() if redeliveries(message) < UNCOUNTED:
                await channel.requeue(message)
            case Return():
                await self._move(channel, message, self._name, to_return(IncomingMessage(message), delivery.attempt))
            case Retry(after_seconds=seconds):
                copy = to_retry(IncomingMessage(message), delivery.attempt, seconds)
                await self._move(channel, message, retry_queue(self._name, seconds), copy)
            case Dead(reason=reason):
                copy = to_dead_letter(IncomingMessage(message), delivery.attempt, reason)
                await self._move(channel, message, dead_queue(self._name), copy)

    async def _move(
        self, channel: ConsumerChannel, message: DeliveredMessage, queue: str, copy: AbstractMessage
    ) -> None:
        outgoing = OutgoingMessage.to_queue(queue, copy)
        failures = 0
        while not channel.is_closed:
            try:
                if await self._publisher.publish([outgoing]):
                    return channel.acknowledge(message)
                # The queue is missing, or refuses the copy. On a new channel everything is declared again.
                _log.warning("copy refused by the broker; message will be redelivered", queue=queue)
                return await channel.close()
            except Unavailable as error:
                failures += 1
                if failures == 1:
                    _log.warning("cannot retry or dead-letter message; trying again", queue=queue, reason=error.reason)
            if await is_set_within(self._stopping, AGAIN.after(failures)):
                return None
        return None
