"""The Redis adapter: a stream for each channel, a consumer group for each subscription."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import chain

import structlog

from ....errors import Unavailable
from ...port import CONTENT_TYPE, DeadLetter, Depth, Handler, Message, Subscription, channel_of, noop
from . import scripts
from .connections import Argument, Connections
from .dead_letter_stream import DeadLetterStream
from .errors import script_error
from .inspection import risks
from .loops import Problems
from .member import GroupMember
from .settings import BrokerSettings
from .topology import dead_stream_of, stream_of, streams_of

_log = structlog.stdlib.get_logger("broker")


class RedisBroker:
    """One Redis server, or the primary behind one address.

    Args:
        settings: the server and its time limits.
        service_name: names the connections in the server's list of clients.
    """

    kind = "redis"

    def __init__(self, settings: BrokerSettings, service_name: str) -> None:
        self._connections = Connections(settings, service_name)
        self._takeover_seconds = settings.takeover_seconds
        self._max_length = settings.stream_max_length
        self._inspected = False
        self._publishing: Problems = {}
        self._consuming: dict[str, Problems] = {}

    async def open(self) -> None:
        """Check the server; connections are opened on demand."""
        try:
            await self.check()
        except Unavailable as error:
            _log.warning("broker unavailable at startup", reason=error.reason)

    async def close(self) -> None:
        """Close every connection."""
        await self._connections.close()

    async def check(self) -> None:
        """Check that the server would accept an event, and that nothing has failed lately that an account may lose."""
        await self._connections.run(scripts.PROBE, [])
        for problem in chain(self._publishing.values(), *(each.values() for each in self._consuming.values())):
            raise Unavailable("broker", problem)
        if not self._inspected:
            for risk in await risks(self._connections):
                _log.warning("broker may lose messages", risk=risk)
            self._inspected = True

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Publish all in one script: one request, one short reply."""
        if not messages:
            return []
        streams: dict[str, bytes] = {}
        numbers: dict[str, bytes] = {}
        args: list[Argument] = [CONTENT_TYPE, self._max_length]
        for message in messages:
            if (number := numbers.get(message.type)) is None:
                number = streams.setdefault(stream_of(channel_of(message.type)), b"%d" % (len(streams) + 1))
                numbers[message.type] = number
            args.append(number)
            args.append(message.body)
        failed, problem = await self._connections.run(scripts.PUBLISH, list(streams), *args)
        if not failed:
            self._publishing.clear()
            return [message.id for message in messages]
        if len(failed) == len(messages):
            error = script_error(problem.decode(errors="replace"))
            self._publishing["publish"] = error.reason
            raise error
        _log.warning("messages refused by the broker", count=len(failed), reason=problem.decode(errors="replace"))
        refused = set(failed)
        return [message.id for number, message in enumerate(messages) if number not in refused]

    def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        on_stopping: Callable[[], None] = noop,
    ) -> AbstractAsyncContextManager[None]:
        """Join the subscription's consumer group."""
        problems = self._consuming[subscription.name] = {}
        member = GroupMember(self._connections, subscription, self._takeover_seconds, problems)
        return member.consuming(handle, concurrency, on_stopping)

    async def dead_letters(self, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """The oldest first."""
        return await DeadLetterStream(self._connections, subscription).oldest(limit)

    async def dead_letter(self, subscription: Subscription, id: str) -> DeadLetter:
        """One of them."""
        return await DeadLetterStream(self._connections, subscription).find(id)

    async def replay(self, subscription: Subscription, id: str) -> None:
        """Move it to the stream that only this subscription reads."""
        await DeadLetterStream(self._connections, subscription).replay(id)

    async def discard(self, subscription: Subscription, id: str) -> None:
        """Delete it from the stream of dead letters."""
        await DeadLetterStream(self._connections, subscription).discard(id)

    async def depth(self, subscription: Subscription) -> Depth:
        """Messages in the streams that are not acknowledged, and dead letters."""
        streams = [dead_stream_of(subscription), *streams_of(subscription)]
        waiting, dead = await self._connections.run(scripts.DEPTH, streams, subscription.name)
        return Depth(waiting=waiting, dead=dead)

    async def unrouted(self) -> None:
        """None is kept aside: a stream keeps its events for groups that come later."""
