"""What is declared on the server: streams and consumers. `docs/topology.md` shows it."""

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

from .errors import reason_of
from .names import Aside, owner_of
from .port import Subscription
from .sessions import Session

# Longer than any handler needs between two signs of life, shorter than anybody likes to wait after a crash.
ACK_WAIT_SECONDS = 15.0
# Messages that wait for their next attempt count too, and must not hold up the others.
MAX_ACK_PENDING = 50_000
# At such a number the server would stop delivering, and tell nobody. So it never stops: `Handlers` puts aside.
MAX_DELIVER = -1
# In which the server recognises an event that was sent again. It keeps all ids of that time in memory.
DUPLICATES_SECONDS = 120.0

Start = Literal["all", "new"] | datetime
# What the server answers where a stream or a consumer of this name is there, but another one than was asked for.
TAKEN = frozenset({10012, 10013, 10058, 10105, 10148})


class Topology:
    """Declares it, as often as wanted."""

    def __init__(self, replicas: int, retention_hours: float) -> None:
        self._replicas = replicas
        self._retention_seconds = retention_hours * 3600
        self._log = structlog.stdlib.get_logger("broker")

    async def declare_events(self, session: Session, owner: str, *, is_owner: bool) -> None:
        """The stream of a service's events. Who only subscribes leaves it as it is, if it is there."""
        await self._declare_stream(
            session,
            is_owner=is_owner,
            name=owner,
            subjects=[f"events.{owner}.>"],
            retention=RetentionPolicy.LIMITS,
            # Applies only where somebody has set a limit of size: then new events are refused, and wait in the outbox,
            # instead of old ones dropped that nobody has taken yet.
            discard=DiscardPolicy.NEW,
            max_age=self._retention_seconds,
            duplicate_window=min(DUPLICATES_SECONDS, self._retention_seconds),
        )

    async def declare_aside(self, session: Session, subscription: Subscription) -> None:
        """The streams of dead letters and of replays. Nothing in them ends by age or size: a person decides."""
        names, owner = Aside.of(subscription), owner_of(subscription.name)
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
            session: of the server.
            stream: what it takes from.
            name: of the consumer.
            subject: what it takes.
            start: what it gets of that which is there already, if it is not there itself.
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
                if error.err_code not in TAKEN:
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
                if error.err_code not in TAKEN:
                    raise
                found = await jetstream.stream_info(name)  # another process was faster, with other settings
        if is_owner:
            await self._amend(jetstream, found.config, config)
        session.declared.add(key)

    async def _amend(self, jetstream: JetStreamContext, found: StreamConfig, wanted: StreamConfig) -> None:
        """Change what the settings say; what else somebody has set stays."""
        changes = _changes(found, wanted, "subjects", "max_age", "num_replicas", "discard", "duplicate_window")
        if not changes:
            return
        noted = self._log.bind(stream=wanted.name, fields=sorted(changes))
        try:
            await jetstream.update_stream(found.evolve(**changes))
            noted.info("stream changed")
        except APIError as error:
            noted.warning("stream left as it is", reason=reason_of(error))


async def _starting(jetstream: JetStreamContext, wanted: ConsumerConfig, stream: str, start: Start) -> ConsumerConfig:
    """With where it starts, as something that stays true when the server has forgotten everything else."""
    if start == "all":
        return wanted
    if start == "new":
        last = (await jetstream.stream_info(stream)).state.last_seq
        return wanted.evolve(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=last + 1)
    return wanted.evolve(deliver_policy=DeliverPolicy.BY_START_TIME, opt_start_time=start)


def _changes(found: object, wanted: object, *fields: str) -> dict[str, Any]:
    return {field: getattr(wanted, field) for field in fields if getattr(found, field) != getattr(wanted, field)}
