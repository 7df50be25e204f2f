"""Messages that were put aside: how they are kept, found and brought back."""

import asyncio
import re
from collections.abc import Sequence

from nats.js.api import RawStreamMsg
from nats.js.errors import APIError, NotFoundError

from ...domain.errors import Unavailable
from ..identity import utc_now
from .answers import CONFIRMED, NO_STREAM, TOO_LARGE_ANSWERS
from .confirms import Outgoing
from .letters import (
    ORIGINAL,
    original_of,
    read,
    sent_headers,
    written,
)
from .names import Aside
from .originals import Original
from .port import (
    DeadLetter,
    DeadLetterIncomplete,
    DeadLetterNotFound,
    Delivery,
    Subscription,
)
from .sessions import Session
from .taken import Taken
from .topology import Topology

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


class DeadLetters:
    """The dead letters of every subscription; the id of one is its number in the stream."""

    def __init__(self, topology: Topology, timeout_seconds: float) -> None:
        self._topology = topology
        self._timeout_seconds = timeout_seconds

    async def store(self, session: Session, subscription: Subscription, taken: Taken, reason: str) -> None:
        """Put a message aside, with as much of it as the server takes.

        Args:
            session: where.
            subscription: whose.
            taken: what; the same one is not put aside twice where the server recognises it.
            reason: of the last failure.

        Raises:
            Unavailable: it may or may not be there.
        """
        subject = Aside.of(subscription).dead_subject
        answer: int | None = None
        for headers, body in written(taken.delivery, taken.original, reason, utc_now()):
            headers["Nats-Msg-Id"] = f"{subscription.name} {taken.origin}"
            answer = await self._send(session, subscription, Outgoing(subject, body, headers))
            if answer not in TOO_LARGE_ANSWERS:
                break
        _require_confirmed(session, answer)

    async def whole(self, session: Session, taken: Taken) -> Delivery:
        """What a replayed letter stands for that has no body. Raises NotFoundError if it is gone, nats.errors.Error."""
        stored = await taken.original.fetch(session)
        return Delivery(stored.data or b"", sent_headers(stored), taken.delivery.attempt)

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
        return read(await self._stored(session, subscription, id))

    async def replay(self, session: Session, subscription: Subscription, id: str) -> None:
        """Give it to the consumer of replays; only when it is safe there, it is no dead letter any more."""
        stored = await self._stored(session, subscription, id)
        letter, names = read(stored), Aside.of(subscription)
        # The same letter, replayed again because the first time broke off, is recognised; another is not taken for it.
        headers = {**letter.headers, "Nats-Msg-Id": f"{id} {letter.failed_at.isoformat()}"}
        if (original := original_of(stored)) is not None:
            await _require_there(session, id, original)
            headers[ORIGINAL] = str(original)
        message = Outgoing(names.replay_subject, letter.body, headers)
        _require_confirmed(session, await self._send(session, subscription, message))
        try:
            await session.jetstream.delete_msg(names.dead_stream, int(id))
        except APIError:
            await self.find(session, subscription, id)  # somebody else was faster
            raise

    async def _stored(self, session: Session, subscription: Subscription, id: str) -> RawStreamMsg:
        names = Aside.of(subscription)
        if not _NUMBER.fullmatch(id):
            raise DeadLetterNotFound(id)
        try:
            stored = await session.jetstream.get_msg(names.dead_stream, seq=int(id))
        except NotFoundError:
            raise DeadLetterNotFound(id) from None
        if stored.subject != names.dead_subject:
            raise DeadLetterNotFound(id)
        return stored

    async def _send(self, session: Session, subscription: Subscription, message: Outgoing) -> int | None:
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        await self._topology.declare_aside(session, subscription)
        [answer] = await session.confirms.send([message], deadline)
        if answer == NO_STREAM:  # somebody has deleted it
            session.declared.clear()
            await self._topology.declare_aside(session, subscription)
            [answer] = await session.confirms.send([message], deadline)
        return answer


def _require_confirmed(session: Session, answer: int | None) -> None:
    if answer != CONFIRMED:
        raise Unavailable("broker", session.reason_of([answer]))


async def _require_there(session: Session, id: str, original: Original) -> None:
    try:
        await original.fetch(session)
    except NotFoundError:
        raise DeadLetterIncomplete(id, f"{original.place}, which it stands for, is gone") from None
