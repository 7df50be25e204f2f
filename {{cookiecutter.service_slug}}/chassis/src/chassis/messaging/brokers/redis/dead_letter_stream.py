"""Dead letters: a stream for each subscription, read only by the commands for dead letters."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from ...port import DeadLetter, DeadLetterNotFound, Subscription
from . import scripts
from .connections import Connections
from .entries import body_and_headers
from .topology import dead_stream_of, replay_stream_of

# `dead-reason`, `dead-attempts` and `dead-from` come first. Their position identifies them: a message may hold fields
# of the same names.
OWN_FIELDS = 3
# Two numbers below 2**64.
_ID = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")


class DeadLetterStream:
    """The dead letters of one subscription. Raises Unavailable."""

    def __init__(self, connections: Connections, subscription: Subscription) -> None:
        self._connections = connections
        self._stream = dead_stream_of(subscription)
        self._replayed = replay_stream_of(subscription)

    async def oldest(self, limit: int) -> Sequence[DeadLetter]:
        """The oldest first."""
        return await self._read("-", "+", limit)

    async def find(self, id: str) -> DeadLetter:
        """One of them. Raises DeadLetterNotFound."""
        if _ID.fullmatch(id):
            for dead_letter in await self._read(id, id, 1):
                return dead_letter
        raise DeadLetterNotFound(id)

    async def replay(self, id: str) -> None:
        """Move one to the replay stream, where it is read as new. Raises DeadLetterNotFound."""
        keys = [self._stream, self._replayed]
        if not _ID.fullmatch(id) or not await self._connections.run(scripts.REPLAY, keys, id, OWN_FIELDS):
            raise DeadLetterNotFound(id)

    async def discard(self, id: str) -> None:
        """Delete one. Raises DeadLetterNotFound."""
        if not _ID.fullmatch(id) or not await self._connections.run(scripts.DISCARD, [self._stream], id):
            raise DeadLetterNotFound(id)

    async def _read(self, first: str, last: str, limit: int) -> list[DeadLetter]:
        found = await self._connections.run(scripts.DEAD_LETTERS, [self._stream], first, last, limit)
        return [_dead_letter(*each) for each in found]


def _dead_letter(id: bytes, fields: Sequence[bytes]) -> DeadLetter:
    _, reason, _, attempts, _, _, *sent = fields
    body, headers = body_and_headers(sent)
    return DeadLetter(
        id=id.decode(),
        reason=reason.decode(errors="replace"),
        attempts=int(attempts),
        # The server makes ids from its clock.
        failed_at=datetime.fromtimestamp(int(id.partition(b"-")[0]) / 1000, UTC),
        headers=headers,
        body=body,
    )
