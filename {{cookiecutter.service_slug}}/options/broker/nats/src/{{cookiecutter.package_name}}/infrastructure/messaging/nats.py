"""NATS JetStream: a stream for each service that publishes, a durable consumer for each subscription."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog

from ...config.broker import BrokerSettings
from ...domain.errors import Unavailable
from .answers import CONFIRMED, NO_STREAM
from .confirms import Outgoing
from .connections import Connection
from .dead_letters import DeadLetters
from .depth import depth_of
from .errors import unavailable_errors
from .handlers import Handlers
from .names import Aside, consumer_of, owner_of, subject_of
from .port import CONTENT_TYPE, DeadLetter, Depth, Handler, Message, Subscription, nothing
from .pulling import Source
from .sessions import Session
from .topology import Start, Topology

CHECK_SECONDS = 1.0
# Left for the headers of a dead letter: what can be published can also be put aside.
HEADER_BYTES = 16_384

log = structlog.stdlib.get_logger("broker")


class NatsBroker:
    """A connection for both directions."""

    kind = "nats"

    def __init__(self, settings: BrokerSettings) -> None:
        self._timeout_seconds = settings.publish_timeout_seconds
        self._connection = Connection(settings)
        self._topology = Topology(settings.replicas, settings.retention_hours)
        self._dead_letters = DeadLetters(self._topology, settings.publish_timeout_seconds)

    async def open(self) -> None:
        """Connect, now or later."""
        await self._connection.open()

    async def close(self) -> None:
        """Let go of the connection."""
        await self._connection.close()

    async def check(self) -> None:
        """Raises Unavailable where JetStream does not answer."""
        session = self._connection.session()
        try:
            with unavailable_errors():
                async with asyncio.timeout(CHECK_SECONDS):
                    await session.jetstream.account_info()
        except Unavailable:
            if session.refused is not None:
                raise Unavailable("broker", session.refused) from None
            raise

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Send all in one go, then count the confirmations."""
        session = self._connection.session()
        largest = session.client.max_payload - HEADER_BYTES
        fitting = [message for message in messages if len(message.body) <= largest]
        if len(fitting) < len(messages):
            log.error("events are too large for the broker", count=len(messages) - len(fitting), largest_bytes=largest)
        if not fitting:
            return []
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        with unavailable_errors():
            answers = await self._send(session, fitting, deadline)
        confirmed = [message.id for message, answer in zip(fitting, answers, strict=True) if answer == CONFIRMED]
        if len(confirmed) < len(fitting):
            reason = session.reason_of(answers)
            log.warning("the broker has not confirmed all events", missing=len(fitting) - len(confirmed), reason=reason)
            if not confirmed:
                raise Unavailable("broker", reason)
        return confirmed

    @asynccontextmanager
    async def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        let_go: Callable[[], None] = nothing,
    ) -> AsyncIterator[None]:
        """Pull from the consumers of the subscription, and from that of its replays."""
        handlers = Handlers(self._connection, self._dead_letters, subscription, handle, concurrency)
        sources = self._sources(subscription, handlers)

        async def refill() -> None:
            for source in sources:
                await source.refill()

        async with asyncio.TaskGroup() as tasks:
            handlers.start(tasks, refill)
            for source in sources:
                await source.declare()
            pulling = [tasks.create_task(source.run()) for source in sources]
            alive = tasks.create_task(handlers.stay_alive())
            try:
                yield
            finally:
                for task in pulling:
                    task.cancel()
                await asyncio.wait(pulling)
                await handlers.end(let_go)
                alive.cancel()

    async def dead_letters(self, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """The oldest ones first."""
        with unavailable_errors():
            return await self._dead_letters.oldest(self._connection.session(), subscription, limit)

    async def dead_letter(self, subscription: Subscription, id: str) -> DeadLetter:
        """One of them."""
        with unavailable_errors():
            return await self._dead_letters.find(self._connection.session(), subscription, id)

    async def replay(self, subscription: Subscription, id: str) -> None:
        """Move it to where only this subscription takes from."""
        with unavailable_errors():
            await self._dead_letters.replay(self._connection.session(), subscription, id)

    async def depth(self, subscription: Subscription) -> Depth:
        """How much lies there."""
        with unavailable_errors():
            return await depth_of(self._connection.session(), subscription)

    async def _send(self, session: Session, messages: Sequence[Message], deadline: float) -> Sequence[int | None]:
        subjects = {type: subject_of(type) for type in {message.type for message in messages}}
        outgoing = [
            Outgoing(
                subjects[message.type],
                message.body,
                {"Nats-Msg-Id": message.id, "content-type": CONTENT_TYPE},
            )
            for message in messages
        ]
        await self._declare_events(session, subjects, deadline)
        answers = list(await session.confirms.send(outgoing, deadline))
        if missing := [index for index, answer in enumerate(answers) if answer == NO_STREAM]:
            # Somebody has deleted the stream.
            session.declared.clear()
            await self._declare_events(session, subjects, deadline)
            again = await session.confirms.send([outgoing[index] for index in missing], deadline)
            for index, answer in zip(missing, again, strict=True):
                answers[index] = answer
        return answers

    async def _declare_events(self, session: Session, types: Collection[str], deadline: float) -> None:
        async with asyncio.timeout_at(deadline):
            for owner in {owner_of(type) for type in types}:
                await self._topology.declare_events(session, owner, is_owner=True)

    def _sources(self, subscription: Subscription, handlers: Handlers) -> Sequence[Source]:
        names = Aside.of(subscription)
        sources = [
            Source(
                self._connection,
                handlers,
                owner_of(channel),
                consumer_of(subscription, channel),
                partial(self._declare_channel, subscription, channel),
            )
            for channel in subscription.channels
        ]
        replays = partial(self._declare_replays, subscription)
        return [*sources, Source(self._connection, handlers, names.replay_stream, names.replay_consumer, replays)]

    async def _declare_channel(self, subscription: Subscription, channel: str, session: Session, start: Start) -> None:
        stream = owner_of(channel)
        await self._topology.declare_events(session, stream, is_owner=stream == owner_of(subscription.name))
        await self._topology.declare_consumer(
            session, stream, consumer_of(subscription, channel), subject_of(f"{channel}.*"), start
        )

    async def _declare_replays(self, subscription: Subscription, session: Session, start: Start) -> None:
        del start  # what lies there has been put there for this consumer
        names = Aside.of(subscription)
        await self._topology.declare_aside(session, subscription)
        await self._topology.declare_consumer(
            session, names.replay_stream, names.replay_consumer, names.replay_subject, "all"
        )
