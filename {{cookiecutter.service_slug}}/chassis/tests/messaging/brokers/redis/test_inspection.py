"""The adapter warns of a server that is configured as a cache."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
from redis.exceptions import NoPermissionError

from chassis.messaging.brokers.redis.connections import Connections
from chassis.messaging.brokers.redis.inspection import risks


class FakeServer:
    """Answers INFO with given values, or refuses it."""

    def __init__(self, **info: object) -> None:
        self._info = info

    @asynccontextmanager
    async def shared(self) -> AsyncIterator["FakeServer"]:
        """As `Connections` does."""
        yield self

    async def info(self, section: str) -> dict[str, object]:
        """As the client library does."""
        assert section == "everything"
        if not self._info:
            raise NoPermissionError("this user has no permissions to run the 'info' command")
        return self._info


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (FakeServer(maxmemory_policy="noeviction", aof_enabled=1), []),
        # Evicts only keys with a time to live, which the adapter's keys do not have.
        (FakeServer(maxmemory_policy="volatile-lru", aof_enabled=1), []),
        (FakeServer(maxmemory_policy="allkeys-lru", aof_enabled=1), ["maxmemory-policy"]),
        (FakeServer(maxmemory_policy="allkeys-random", aof_enabled=0), ["maxmemory-policy", "appendonly"]),
        (FakeServer(), ["INFO"]),
    ],
)
async def test_reports_settings_that_could_lose_messages(server: FakeServer, words: list[str]) -> None:
    found = await risks(cast("Connections", server))
    assert len(found) == len(words)
    assert all(word in risk for word, risk in zip(words, found, strict=True))
