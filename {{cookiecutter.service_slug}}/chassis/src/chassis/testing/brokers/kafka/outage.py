"""Takes a Kafka cluster away and brings it back, for chaos tests.

By default with a mock cluster: a proxy would not do, as clients connect to the addresses that the cluster announces.
Where CHAOS_BROKER_STOP and CHAOS_BROKER_START are set, such as to `docker compose kill broker` and `docker compose
start broker`, these commands stop and start the cluster of the URL.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from .mock_cluster import MockCluster, mock_cluster


class MockOutage:
    """Failures of a mock cluster."""

    def __init__(self, cluster: MockCluster) -> None:
        self._cluster = cluster

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings that lead a service to the cluster."""
        return {"BROKER_URL": self._cluster.url, "BROKER_TOPIC_REPLICATION": "1"}

    async def cut(self) -> None:
        """Break every connection; new ones work."""
        await asyncio.to_thread(self._cluster.cut)

    async def down(self) -> None:
        """Break every connection, and refuse new ones."""
        await asyncio.to_thread(self._cluster.down)

    async def up(self) -> None:
        """End the outage."""
        await asyncio.to_thread(self._cluster.up)


class CommandedOutage:
    """Failures of a real cluster, by commands that stop and start it."""

    def __init__(self, url: str, stop: str, start: str) -> None:
        self._url = url
        self._stop = stop
        self._start = start

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings that lead a service to the cluster."""
        return {"BROKER_URL": self._url}

    async def cut(self) -> None:
        """Stop the cluster and start it at once."""
        await self.down()
        await self.up()

    async def down(self) -> None:
        """Stop the cluster."""
        await _run(self._stop)

    async def up(self) -> None:
        """Start the cluster."""
        await _run(self._start)


@asynccontextmanager
async def outage_of(url: str) -> AsyncIterator[MockOutage | CommandedOutage]:
    """Control over the cluster of a URL, or over a mock cluster, inside the block."""
    stop, start = os.environ.get("CHAOS_BROKER_STOP"), os.environ.get("CHAOS_BROKER_START")
    if stop and start:
        yield CommandedOutage(url, stop, start)
        return
    with mock_cluster() as cluster:
        yield MockOutage(cluster)


async def _run(command: str) -> None:
    process = await asyncio.create_subprocess_shell(command)
    assert await process.wait() == 0, command
