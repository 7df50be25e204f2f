"""What becomes of a message after it was handled."""

import asyncio
from contextlib import suppress

import structlog
from aiormq import spec
from aiormq.abc import DeliveredMessage

from ...domain.errors import Unavailable
from .backoff import Backoff
from .confirms import ConfirmingPublisher, OutgoingMessage
from .errors import unavailable_errors
from .headers import to_dead_letter, to_retry
from .port import Dead, Delivery, Done, Retry, Verdict
from .topology import dead_queue, retry_queue

AGAIN = Backoff(first=0.1, longest=5)
ANSWER_SECONDS = 5

_log = structlog.stdlib.get_logger("broker")


class MessageSettlement:
    """Puts verdicts into effect. A message is acknowledged last: broken off before that, it comes again."""

    def __init__(self, publisher: ConfirmingPublisher, name: str) -> None:
        self._publisher = publisher
        self._name = name
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Do not wait any longer for a broker that takes no copies now."""
        self._stopping.set()

    async def settle(self, message: DeliveredMessage, delivery: Delivery, verdict: Verdict) -> None:
        """Of a message whose channel is closed nothing is left to do: it is on its way to somebody else."""
        match verdict:
            case Done():
                await _acknowledge(message)
            case Retry(after_seconds=seconds) if seconds <= 0:
                await _give_back(message)
            case Retry(after_seconds=seconds):
                properties = to_retry(message, delivery.attempt, seconds)
                await self._move(message, retry_queue(self._name, seconds), properties)
            case Dead(reason=reason):
                properties = to_dead_letter(message, delivery.attempt, reason)
                await self._move(message, dead_queue(self._name), properties)

    async def _move(self, message: DeliveredMessage, queue: str, properties: spec.Basic.Properties) -> None:
        copy = OutgoingMessage("", queue, properties, message.body)
        failures = 0
        while not message.channel.is_closed:
            try:
                if await self._publisher.publish([copy]):
                    return await _acknowledge(message)
                # The queue is gone, or does not take it. With a new channel everything is declared anew.
                _log.warning("a message could not be moved", queue=queue)
                return await _close_channel_of(message)
            except Unavailable as error:
                failures += 1
                if failures == 1:
                    _log.warning("a message waits to be moved", queue=queue, reason=error.reason)
            if await self._stopped_within(AGAIN.after(failures)):
                return None
        return None

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True


async def _acknowledge(message: DeliveredMessage) -> None:
    # No answer comes to this. The time limit is for aiormq, which takes no end while its connection ends.
    with suppress(Unavailable), unavailable_errors():
        async with asyncio.timeout(ANSWER_SECONDS):
            await message.channel.basic_ack(message.delivery_tag or 0, wait=False)


async def _give_back(message: DeliveredMessage) -> None:
    with suppress(Unavailable), unavailable_errors():
        async with asyncio.timeout(ANSWER_SECONDS):
            await message.channel.basic_nack(message.delivery_tag or 0, requeue=True, wait=False)


async def _close_channel_of(message: DeliveredMessage) -> None:
    with suppress(Unavailable), unavailable_errors():
        async with asyncio.timeout(ANSWER_SECONDS):
            await message.channel.close()
