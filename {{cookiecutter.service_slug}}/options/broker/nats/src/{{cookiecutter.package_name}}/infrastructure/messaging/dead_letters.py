"""Messages that were put aside: how they are kept, found and brought back."""

import asyncio
import re
from collections.abc import Sequence

from nats.js.errors import APIError, NotFoundError

from ...domain.errors import Unavailable
from ..identity import utc_now
from .answers import CONFIRMED, NO_STREAM
from .confirms import Outgoing
from .letters import headers_of, read
from .names import Aside
from .port import DeadLetter, DeadLetterNotFound, Delivery, Subscription
from .sessions import Session
from .topology import Topology

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


class DeadLetters:
    """The dead letters of every subscription; the id of one is its number in the stream."""

    def __init__(self, topology: Topology, timeout_seconds: float) -> None:
        self._topology = topology
        self._timeout_seconds = timeout_seconds

    async def store(
        self,
        session: Session,
        subscription: Subscription,
        delivery: Delivery,
        origin: str,
        reason: str,
    ) -> None:
        """Put a message aside.

        Args:
            session: where.
            subscription: whose.
            delivery: what.
            origin: names the message; the same one is not put aside twice where the server recognises it.
            reason: of the last failure.

        Raises:
            Unavailable: it may or may not be there.
        """
        headers = headers_of(delivery, reason, utc_now())
        headers["Nats-Msg-Id"] = f"{subscription.name} {origin}"
        subject = Aside.of(subscription).dead_subject
        await self._send(session, subscription, Outgoing(subject, delivery.body, headers))

    async def oldest(self, session: Session, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """The oldest ones first."""
        names = Aside.of(subscription)
        letters: list[DeadLetter] = []
        number = 1
        while len(letters) < limit:
            try:
                stored = await session.jetstream.get_msg(
                    names.dead_stream, seq=number, subject=names.dead_subject, next=True
                )
            except NotFoundError:
                break
            letters.append(read(stored))
            number = int(letters[-1].id) + 1
        return letters

    async def find(self, session: Session, subscription: Subscription, id: str) -> DeadLetter:
        """One of them. Raises DeadLetterNotFound."""
        names = Aside.of(subscription)
        if not _NUMBER.fullmatch(id):
            raise DeadLetterNotFound(id)
        try:
            stored = await session.jetstream.get_msg(names.dead_stream, seq=int(id))
        except NotFoundError:
            raise DeadLetterNotFound(id) from None
        if stored.subject != names.dead_subject:
            raise DeadLetterNotFound(id)
        return read(stored)

    async def replay(self, session: Session, subscription: Subscription, id: str) -> None:
        """Give it to the consumer of replays; only when it is safe there, it is no dead letter any more."""
        letter = await self.find(session, subscription, id)
        names = Aside.of(subscription)
        # The same letter, replayed again because the first time broke off, is recognised; another is not taken for it.
        headers = {**letter.headers, "Nats-Msg-Id": f"{id} {letter.failed_at.isoformat()}"}
        await self._send(session, subscription, Outgoing(names.replay_subject, letter.body, headers))
        try:
            await session.jetstream.delete_msg(names.dead_stream, int(id))
        except APIError:
            await self.find(session, subscription, id)  # somebody else was faster
            raise

    async def _send(self, session: Session, subscription: Subscription, message: Outgoing) -> None:
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        await self._topology.declare_aside(session, subscription)
        [answer] = await session.confirms.send([message], deadline)
        if answer == NO_STREAM:  # somebody has deleted it
            session.declared.clear()
            await self._topology.declare_aside(session, subscription)
            [answer] = await session.confirms.send([message], deadline)
        if answer != CONFIRMED:
            raise Unavailable("broker", session.reason_of([answer]))
