"""The streams and consumers that the adapter declares. See `docs/topology.md`."""

from datetime import datetime
from typing import Any, Literal

import structlog
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NotFoundError

from ...port import Subscription
from .errors import reason_of
from .names import DeadLetterNames, owner_of
from .session import Session

# Longer than the pause between two signs of life of a handler, and an acceptable delay after a crash.
ACK_WAIT_SECONDS = 15.0
# Messages that wait for their retry count as well, and must not block the others.
MAX_ACK_PENDING = 50_000
# At a limit the server would stop delivering without a report. So there is none: the dispatcher dead-letters.
MAX_DELIVER = -1
# Within this time the server recognizes a repeated event. It keeps all ids of that time in memory.
DUPLICATES_SECONDS = 120.0

Start = Literal["all", "new"] | datetime
# The server's answers where a stream or a consumer of this name exists, with another configuration.
EXISTS = frozenset({10012, 10013, 10058, 10105, 10148})

_log = structlog.stdlib.get_logger("broker")


class Topology:
    """Declares streams and consumers; repeating it does no harm."""

    def __init__(self, replicas: int, retention_hours: float) -> None:
        self._replicas = replicas
        self._retention_seconds = retention_hours * 3600

    async def declare_events(self, session: Session, owner: str, *, is_owner: bool) -> None:
        """The stream of a service's events. A service that only subscribes leaves an existing one as it is."""
        await self._declare_stream(
            session,
            is_owner=is_owner,
            name=owner,
            subjects=[f"events.{owner}.>"],
            retention=RetentionPolicy.LIMITS,
            # Only matters where an operator has limited the size: new events are then refused, and wait in the outbox,
            # and old ones that a subscription has not received yet are not dropped.
            discard=DiscardPolicy.NEW,
            max_age=self._retention_seconds,
            duplicate_window=min(DUPLICATES_SECONDS, self._retention_seconds),
        )

    async def declare_dead_letters(self, session: Session, subscription: Subscription) -> None:
        """The streams of dead letters and of replays. Neither age nor size removes anything: a person decides."""
        names, owner = DeadLetterNames.of(subscription), owner_of(subscription.name)
        for name, prefix, retention in (
            (names.dead_stream, "dead-letters", RetentionPolicy.LIMITS),
            (names.replay_stream, "replays", RetentionPolicy.WORK_QUEUE),
        ):
            await self._declare_stream(
                session,
                is_owner=True,
                name=name,
                subjects=[f"{prefix}.{owner}", f"{prefix}.{owner}.>"],
                retention=retention,
                discard=DiscardPolicy.NEW,
                max_age=0,
                duplicate_window=DUPLICATES_SECONDS,
            )

    async def declare_consumer(
        self,
        session: Session,
        stream: str,
        name: str,
        subject: str,
        start: Start,
    ) -> None:
        """A durable consumer.

        Args:
            session: present session.
            stream: that it consumes.
            name: of the consumer.
            subject: of the messages that it receives.
            start: which of the existing messages it receives, if it does not exist itself.
        """
        jetstream = session.jetstream
        wanted = ConsumerConfig(
            name=name,
            durable_name=name,
            filter_subject=subject,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_SECONDS,
            max_deliver=MAX_DELIVER,
            max_ack_pending=MAX_ACK_PENDING,
        )
        try:
            found = await jetstream.consumer_info(stream, name)
        except NotFoundError:
            try:
                found = await jetstream.add_consumer(stream, await _starting(jetstream, wanted, stream, start))
            except APIError as error:
                if error.err_code not in EXISTS:
                    raise
                found = await jetstream.consumer_info(stream, name)  # another replica was faster, with another start
        if changes := _changes(found.config, wanted, "ack_wait", "max_deliver", "max_ack_pending"):
            await jetstream.add_consumer(stream, found.config.evolve(**changes))

    async def _declare_stream(self, session: Session, *, is_owner: bool, name: str, **wanted: Any) -> None:
        jetstream = session.jetstream
        key = f"{name} {is_owner}"
        if key in session.declared:
            return
        config = StreamConfig(name, storage=StorageType.FILE, num_replicas=self._replicas, **wanted)
        try:
            found = await jetstream.stream_info(name)
        except NotFoundError:
            try:
                found = await jetstream.add_stream(config)
            except APIError as error:
                if error.err_code not in EXISTS:
                    raise
                found = await jetstream.stream_info(name)  # another process was faster, with other settings
        if is_owner:
            await _update(jetstream, found.config, config)
        session.declared.add(key)


async def _update(jetstream: JetStreamContext, found: StreamConfig, wanted: StreamConfig) -> None:
    """Change what the settings define; what an operator has set besides stays."""
    changes = _changes(found, wanted, "subjects", "max_age", "num_replicas", "discard", "duplicate_window")
    if not changes:
        return
    fields = sorted(changes)
    try:
        await jetstream.update_stream(found.evolve(**changes))
        _log.info("stream updated", stream=wanted.name, fields=fields)
    except APIError as error:
        _log.warning("cannot update stream", stream=wanted.name, fields=fields, reason=reason_of(error))


async def _starting(jetstream: JetStreamContext, wanted: ConsumerConfig, stream: str, start: Start) -> ConsumerConfig:
    """With a start that stays valid when the server has forgotten everything else."""
    if start == "all":
        return wanted
    if start == "new":
        last = (await jetstream.stream_info(stream)).state.last_seq
        return wanted.evolve(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=last + 1)
    return wanted.evolve(deliver_policy=DeliverPolicy.BY_START_TIME, opt_start_time=start)


def _changes(found: object, wanted: object, *fields: str) -> dict[str, Any]:
    return {field: getattr(wanted, field) for field in fields if getattr(found, field) != getattr(wanted, field)}
