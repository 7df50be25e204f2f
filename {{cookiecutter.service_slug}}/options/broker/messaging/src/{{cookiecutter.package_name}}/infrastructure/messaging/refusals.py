"""Remembers whose events the broker has refused, so that a relay can pass them over for a while."""

import asyncio
from collections.abc import Collection
from time import monotonic

from .backoff import Backoff

# If there are more, it is not these events that are wrong but the broker: then it does no harm to come upon them again.
MOST = 1_000


class Refusals:
    """Keys of refused events, all tried again at the same time: one by one they would spoil as many batches."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._keys: set[str] = set()
        self._before: set[str] = set()
        self._times = 0
        self._until = 0.0

    def keys(self) -> Collection[str]:
        """Those to pass over now."""
        if self._keys and monotonic() >= self._until:
            self._before, self._keys = self._keys, set()
        return self._keys

    def add(self, refused: set[str]) -> bool:
        """Pass over these too; tells whether any is among them that was not refused the last time it was tried."""
        if refused and not self._keys:
            self._times = self._times + 1 if refused & self._before else 1
            self._until = monotonic() + self._backoff.after(self._times)
        self._keys.update(list(refused)[: MOST - len(self._keys)])
        return not refused <= self._before

    async def over(self) -> None:
        """Until they may be tried again; for ever, if there are none."""
        if self._keys:
            await asyncio.sleep(self._until - monotonic())
        else:
            await asyncio.Future()
