"""The NATS JetStream adapter: a stream for each publishing service, a durable consumer for each subscription."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog

from ....errors import Unavailable
from ...port import CONTENT_TYPE, DeadLetter, Depth, Handler, Message, Subscription, noop
from .acks import CONFIRMED, NO_STREAM
from .connection import ReconnectingConnection
from .dead_letter_stream import DeadLetterStreams
from .depth import depth_of
from .dispatcher import Dispatcher
from .errors import unavailable_errors
from .listener import ConsumerListener
from .names import DeadLetterNames, consumer_of, owner_of, subject_of
from .publisher import OutgoingMessage
from .session import Session
from .settings import BrokerSettings
from .topology import Start, Topology

CHECK_SECONDS = 1.0
# Reserved for the headers of a dead letter: what can be published can also be dead-lettered.
HEADER_BYTES = 16_384

_log = structlog.stdlib.get_logger("broker")


class NatsBroker:
    """One connection for publishing and consuming.

    Args:
        settings: the server, its streams and the time limits.
        service_name: names the connection in the server's list.
    """

    kind = "nats"

    def __init__(self, settings: BrokerSettings, service_name: str) -> None:
        self._timeout_seconds = settings.publish_timeout_seconds
        self._connection = ReconnectingConnection(settings, service_name)
        self._topology = Topology(settings.replicas, settings.retention_hours)
        self._dead_letters = DeadLetterStreams(self._topology, settings.publish_timeout_seconds)

    async def open(self) -> None:
        """Connect, now or later."""
        await self._connection.open()

    async def close(self) -> None:
        """Disconnect."""
        await self._connection.close()

    async def check(self) -> None:
        """Raise Unavailable unless JetStream answers."""
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
        """Publish all at once, then count the confirmations."""
        session = self._connection.session()
        largest = session.client.max_payload - HEADER_BYTES
        fitting = [message for message in messages if len(message.body) <= largest]
        if len(fitting) < len(messages):
            _log.error("events too large to publish", count=len(messages) - len(fitting), largest_bytes=largest)
        if not fitting:
            return []
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        with unavailable_errors():
            answers = await self._publish(session, fitting, deadline)
        confirmed = [message.id for message, answer in zip(fitting, answers, strict=True) if answer == CONFIRMED]
        if len(confirmed) < len(fitting):
            reason = session.reason_of(answers)
            _log.warning("messages not confirmed", count=len(fitting) - len(confirmed), reason=reason)
            if not confirmed:
                raise Unavailable("broker", reason)
        return confirmed

    @asynccontextmanager
    async def consuming(
        self,
        subscription: Subscription,
        handle: Handler,
        concurrency: int,
        on_stopping: Callable[[], None] = noop,
    ) -> AsyncIterator[None]:
        """Pull from the consumers of the subscription, and from that of its replays."""
        dispatcher = Dispatcher(self._connection, self._dead_letters, subscription, handle, concurrency)
        listeners = self._listeners(subscription, dispatcher)

        async def refill() -> None:
            for listener in listeners:
                await listener.refill()

        async with asyncio.TaskGroup() as tasks:
            dispatcher.start(tasks, refill)
            for listener in listeners:
                await listener.declare()
            pulling = [tasks.create_task(listener.run()) for listener in listeners]
            alive = tasks.create_task(dispatcher.stay_alive())
            try:
                yield
            finally:
                for task in pulling:
                    task.cancel()
                await asyncio.wait(pulling)
                await dispatcher.stop(on_stopping)
                alive.cancel()

    async def dead_letters(self, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """The oldest first."""
        with unavailable_errors():
            return await self._dead_letters.oldest(self._connection.session(), subscription, limit)

    async def dead_letter(self, subscription: Subscription, id: str) -> DeadLetter:
        """One of them."""
        with unavailable_errors():
            return await self._dead_letters.find(self._connection.session(), subscription, id)

    async def replay(self, subscription: Subscription, id: str) -> None:
        """Move it to the subject that only this subscription consumes."""
        with unavailable_errors():
            await self._dead_letters.replay(self._connection.session(), subscription, id)

    async def discard(self, subscription: Subscription, id: str) -> None:
        """Delete it from the stream of dead letters."""
        with unavailable_errors():
            await self._dead_letters.discard(self._connection.session(), subscription, id)

    async def depth(self, subscription: Subscription) -> Depth:
        """The number of messages."""
        with unavailable_errors():
            return await depth_of(self._connection.session(), subscription)

    async def unrouted(self) -> None:
        """None is kept aside: a stream keeps its events whether or not it has consumers."""

    async def _publish(self, session: Session, messages: Sequence[Message], deadline: float) -> Sequence[int | None]:
        subjects = {type: subject_of(type) for type in {message.type for message in messages}}
        outgoing = [
            OutgoingMessage(
                subjects[message.type],
                message.body,
                {"Nats-Msg-Id": message.id, "content-type": CONTENT_TYPE},
            )
            for message in messages
        ]
        await self._declare_events(session, subjects, deadline)
        answers = list(await session.publisher.publish(outgoing, deadline))
        if missing := [index for index, answer in enumerate(answers) if answer == NO_STREAM]:
            # The stream was deleted.
            session.declared.clear()
            await self._declare_events(session, subjects, deadline)
            again = await session.publisher.publish([outgoing[index] for index in missing], deadline)
            for index, answer in zip(missing, again, strict=True):
                answers[index] = answer
        return answers

    async def _declare_events(self, session: Session, types: Collection[str], deadline: float) -> None:
        async with asyncio.timeout_at(deadline):
            for owner in {owner_of(type) for type in types}:
                await self._topology.declare_events(session, owner, is_owner=True)

    def _listeners(self, subscription: Subscription, dispatcher: Dispatcher) -> Sequence[ConsumerListener]:
        names = DeadLetterNames.of(subscription)
        listeners = [
            ConsumerListener(
                self._connection,
                dispatcher,
                owner_of(channel),
                consumer_of(subscription, channel),
                partial(self._declare_channel, subscription, channel),
            )
            for channel in subscription.channels
        ]
        replays = partial(self._declare_replays, subscription)
        # First, because messages that were returned are older than those that wait in the channels.
        return [
            ConsumerListener(self._connection, dispatcher, names.replay_stream, names.replay_consumer, replays),
            *listeners,
        ]

    async def _declare_channel(self, subscription: Subscription, channel: str, session: Session, start: Start) -> None:
        stream = owner_of(channel)
        await self._topology.declare_events(session, stream, is_owner=stream == owner_of(subscription.name))
        await self._topology.declare_consumer(
            session, stream, consumer_of(subscription, channel), subject_of(f"{channel}.*"), start
        )

    async def _declare_replays(self, subscription: Subscription, session: Session, start: Start) -> None:
        del start  # everything in that stream was published for this consumer
        names = DeadLetterNames.of(subscription)
        await self._topology.declare_dead_letters(session, subscription)
        await self._topology.declare_consumer(
            session, names.replay_stream, names.replay_consumer, names.replay_subject, "all"
        )
