"""Redis Streams: a stream for each channel, a consumer group for each subscription."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager

import structlog

from ...config.broker import BrokerSettings
from ...domain.errors import Unavailable
from . import scripts
from .connections import Argument, Connections
from .dead_letter_stream import DeadLetterStream
from .errors import refusal
from .inspection import risks
from .membership import Membership
from .port import (
    CONTENT_TYPE,
    DeadLetter,
    Depth,
    Handler,
    Message,
    Subscription,
    channel_of,
    nothing,
)
from .topology import dead_stream_of, stream_of, streams_of

_log = structlog.stdlib.get_logger("broker")


class RedisBroker:
    """One server, or whatever answers in its place at the same address."""

    kind = "redis"

    def __init__(self, settings: BrokerSettings) -> None:
        self._connections = Connections(settings)
        self._takeover_seconds = settings.takeover_seconds
        self._longest = settings.stream_max_length
        self._inspected = False

    async def open(self) -> None:
        """See what there is; connections are made when they are needed."""
        try:
            await self.check()
        except Unavailable as error:
            _log.warning("the broker is away at start", reason=error.reason)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._connections.close()

    async def check(self) -> None:
        """Whether the server would take an event."""
        await self._connections.run(scripts.PROBE, [])
        if not self._inspected:
            for risk in await risks(self._connections):
                _log.warning("the broker may lose messages", risk=risk)
            self._inspected = True

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """All of them in one script: one request, one short answer, nothing in between."""
        if not messages:
            return []
        streams: dict[str, bytes] = {}
        numbers: dict[str, bytes] = {}
        args: list[Argument] = [CONTENT_TYPE, self._longest]
        for message in messages:
            if (number := numbers.get(message.type)) is None:
                number = streams.setdefault(stream_of(channel_of(message.type)), b"%d" % (len(streams) + 1))
                numbers[message.type] = number
            args.append(number)
            args.append(message.body)
        failed, problem = await self._connections.run(scripts.PUBLISH, list(streams), *args)
        if not failed:
            return [message.id for message in messages]
        if len(failed) == len(messages):
            raise refusal(problem.decode(errors="replace"))
        _log.warning("the broker refused messages", count=len(failed), reason=problem.decode(errors="replace"))
        refused = set(failed)
        return [message.id for number, message in enumerate(messages) if number not in refused]

    def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        let_go: Callable[[], None] = nothing,
    ) -> AbstractAsyncContextManager[None]:
        """Be a member of the subscription's group."""
        return Membership(self._connections, subscription, self._takeover_seconds).lasting(handle, concurrency, let_go)

    async def dead_letters(self, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """The oldest ones first."""
        return await DeadLetterStream(self._connections, subscription).oldest(limit)

    async def dead_letter(self, subscription: Subscription, id: str) -> DeadLetter:
        """One of them."""
        return await DeadLetterStream(self._connections, subscription).find(id)

    async def replay(self, subscription: Subscription, id: str) -> None:
        """Move it to the stream that only this subscription reads."""
        await DeadLetterStream(self._connections, subscription).replay(id)

    async def depth(self, subscription: Subscription) -> Depth:
        """How much lies there."""
        streams = [dead_stream_of(subscription), *streams_of(subscription)]
        waiting, dead = await self._connections.run(scripts.DEPTH, streams, subscription.name)
        return Depth(waiting=waiting, dead=dead)
