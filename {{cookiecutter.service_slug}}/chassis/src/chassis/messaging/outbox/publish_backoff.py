"""Backoff for keys whose messages the broker has refused, so that a relay can skip them for a while."""

import asyncio
from time import monotonic

from ...background import Backoff

# With more refused keys than this the problem is the broker, not the messages: then nothing is lost by trying them.
MAX_KEYS = 1_000


class PublishBackoff:
    """Keys of refused messages. All are retried at the same time: one by one they would spoil as many batches."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._keys: set[str] = set()
        self._before: set[str] = set()
        self._times = 0
        self._until = 0.0

    def keys(self) -> set[str]:
        """The keys to skip now."""
        if self._keys and monotonic() >= self._until:
            self._before, self._keys = self._keys, set()
        return self._keys

    def add(self, refused: set[str]) -> bool:
        """Skip these keys too; returns whether any of them was not refused in the previous attempt."""
        if refused and not self._keys:
            self._times = self._times + 1 if refused & self._before else 1
            self._until = monotonic() + self._backoff.after(self._times)
        self._keys.update(list(refused)[: MAX_KEYS - len(self._keys)])
        return not refused <= self._before

    async def wait(self) -> None:
        """Wait until the keys may be retried; forever, if there are none."""
        if self._keys:
            await asyncio.sleep(self._until - monotonic())
        else:
            await asyncio.Future()
