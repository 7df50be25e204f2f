"""A server that is set up as a cache is told about."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
from redis.exceptions import NoPermissionError

from {{ cookiecutter.package_name }}.infrastructure.messaging.connections import Connections
from {{ cookiecutter.package_name }}.infrastructure.messaging.inspection import risks


class Server:
    """Answers INFO with what the test says, or not at all."""

    def __init__(self, **info: object) -> None:
        self._info = info

    @asynccontextmanager
    async def answering(self) -> AsyncIterator["Server"]:
        """As the connections do."""
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
        (Server(maxmemory_policy="noeviction", aof_enabled=1), []),
        # Evicts only what has a time to live, which nothing of ours has.
        (Server(maxmemory_policy="volatile-lru", aof_enabled=1), []),
        (Server(maxmemory_policy="allkeys-lru", aof_enabled=1), ["maxmemory-policy"]),
        (Server(maxmemory_policy="allkeys-random", aof_enabled=0), ["maxmemory-policy", "appendonly"]),
        (Server(), ["INFO"]),
    ],
)
async def test_tells_what_could_lose_messages(server: Server, words: list[str]) -> None:
    found = await risks(cast("Connections", server))
    assert len(found) == len(words)
    assert all(word in risk for word, risk in zip(words, found, strict=True))
