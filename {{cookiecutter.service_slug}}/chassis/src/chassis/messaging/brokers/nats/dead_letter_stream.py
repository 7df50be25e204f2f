"""Stores, finds, replays and discards dead letters."""

import asyncio
import re
from collections.abc import Sequence

from nats.js.api import RawStreamMsg
from nats.js.errors import APIError, NotFoundError

from ....errors import Unavailable
from ....identity import utc_now
from ...port import DeadLetter, DeadLetterIncomplete, DeadLetterNotFound, Delivery, Subscription
from .acks import CONFIRMED, NO_STREAM, TOO_LARGE_CODES
from .dead_letter_headers import ORIGINAL, decode, encoded, original_of, returned, sent_headers
from .names import DeadLetterNames
from .originals import Original
from .publisher import OutgoingMessage
from .received import ReceivedMessage
from .session import Session
from .topology import Topology

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


class DeadLetterStreams:
    """The dead letters of every subscription; the id of one is its number in the stream."""

    def __init__(self, topology: Topology, timeout_seconds: float) -> None:
        self._topology = topology
        self._timeout_seconds = timeout_seconds

    async def store(self, session: Session, subscription: Subscription, received: ReceivedMessage, reason: str) -> None:
        """Dead-letter a message, with as much of it as the server accepts.

        Args:
            session: present session.
            subscription: that received it.
            received: the message; a repetition is not stored twice if the server recognizes it.
            reason: of the last failure.

        Raises:
            Unavailable: it may or may not be stored.
        """
        subject = DeadLetterNames.of(subscription).dead_subject
        answer: int | None = None
        for headers, body in encoded(received.delivery, received.original, reason, utc_now()):
            headers["Nats-Msg-Id"] = f"{subscription.name} {received.origin}"
            answer = await self._publish(session, subscription, OutgoingMessage(subject, body, headers))
            if answer not in TOO_LARGE_CODES:
                break
        _require_confirmed(session, answer)

    async def store_returned(self, session: Session, subscription: Subscription, received: ReceivedMessage) -> None:
        """Publish a copy of a message that was not tried to the consumer of replays.

        The server counts each delivery; the copy keeps the number of attempts.

        Raises:
            Unavailable: it may or may not be stored.
        """
        headers, body = returned(received.delivery, None if received.is_whole else received.original)
        # The subscriptions of a service share the stream of replays.
        headers["Nats-Msg-Id"] = f"{subscription.name} {received.origin} returned"
        subject = DeadLetterNames.of(subscription).replay_subject
        _require_confirmed(session, await self._publish(session, subscription, OutgoingMessage(subject, body, headers)))

    async def read_original(self, session: Session, received: ReceivedMessage) -> Delivery:
        """The message that a replayed dead letter without a body stands for.

        Raises:
            NotFoundError: it no longer exists.
            nats.errors.Error: it cannot be read now.
        """
        stored = await received.original.fetch(session)
        return Delivery(stored.data or b"", sent_headers(stored), received.delivery.attempt)

    async def oldest(self, session: Session, subscription: Subscription, limit: int) -> Sequence[DeadLetter]:
        """The oldest first."""
        names = DeadLetterNames.of(subscription)
        found: list[DeadLetter] = []
        number = 1
        while len(found) < limit:
            try:
                stored = await session.jetstream.get_msg(
                    names.dead_stream, seq=number, subject=names.dead_subject, next=True
                )
            except NotFoundError:
                break
            found.append(decode(stored))
            number = int(found[-1].id) + 1
        return found

    async def find(self, session: Session, subscription: Subscription, id: str) -> DeadLetter:
        """The one with this id. Raises DeadLetterNotFound."""
        return decode(await self._stored(session, subscription, id))

    async def replay(self, session: Session, subscription: Subscription, id: str) -> None:
        """Publish it to the consumer of replays, and delete it once it is stored there."""
        stored = await self._stored(session, subscription, id)
        dead_letter, names = decode(stored), DeadLetterNames.of(subscription)
        # If a replay was interrupted, the server recognizes its repetition; another dead letter has another id.
        headers = {**dead_letter.headers, "Nats-Msg-Id": f"{id} {dead_letter.failed_at.isoformat()}"}
        if (original := original_of(stored)) is not None:
            await _require_stored(session, id, original)
            headers[ORIGINAL] = str(original)
        message = OutgoingMessage(names.replay_subject, dead_letter.body, headers)
        _require_confirmed(session, await self._publish(session, subscription, message))
        await self._delete(session, subscription, id)

    async def discard(self, session: Session, subscription: Subscription, id: str) -> None:
        """Delete it. Raises DeadLetterNotFound."""
        await self._stored(session, subscription, id)  # the stream holds those of other subscriptions too
        await self._delete(session, subscription, id)

    async def _delete(self, session: Session, subscription: Subscription, id: str) -> None:
        try:
            await session.jetstream.delete_msg(DeadLetterNames.of(subscription).dead_stream, int(id))
        except APIError:
            await self.find(session, subscription, id)  # raises if another process was faster
            raise

    async def _stored(self, session: Session, subscription: Subscription, id: str) -> RawStreamMsg:
        names = DeadLetterNames.of(subscription)
        if not _NUMBER.fullmatch(id):
            raise DeadLetterNotFound(id)
        try:
            stored = await session.jetstream.get_msg(names.dead_stream, seq=int(id))
        except NotFoundError:
            raise DeadLetterNotFound(id) from None
        if stored.subject != names.dead_subject:
            raise DeadLetterNotFound(id)
        return stored

    async def _publish(self, session: Session, subscription: Subscription, message: OutgoingMessage) -> int | None:
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        await self._topology.declare_dead_letters(session, subscription)
        [answer] = await session.publisher.publish([message], deadline)
        if answer == NO_STREAM:  # it was deleted
            session.declared.clear()
            await self._topology.declare_dead_letters(session, subscription)
            [answer] = await session.publisher.publish([message], deadline)
        return answer


def _require_confirmed(session: Session, answer: int | None) -> None:
    if answer != CONFIRMED:
        raise Unavailable("broker", session.reason_of([answer]))


async def _require_stored(session: Session, id: str, original: Original) -> None:
    try:
        await original.fetch(session)
    except NotFoundError:
        raise DeadLetterIncomplete(id, f"{original.place}, which it stands for, no longer exists") from None
