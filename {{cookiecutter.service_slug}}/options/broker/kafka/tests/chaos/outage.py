"""Takes the broker away and brings it back.

By default with a mock cluster of its own. Where CHAOS_BROKER_STOP and CHAOS_BROKER_START are set, such as to `docker
compose kill broker` and `docker compose start broker`, they do it to the cluster that the settings name.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings

from ..integration.messaging.mock_cluster import MockCluster, mock_cluster

STOP = os.environ.get("CHAOS_BROKER_STOP")
START = os.environ.get("CHAOS_BROKER_START")


class Outage(Protocol):
    """What can happen to a broker."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What the service is told."""
        ...

    async def cut(self) -> None:
        """Break every connection; new ones work."""
        ...

    async def down(self) -> None:
        """Break every connection, and refuse new ones."""
        ...

    async def up(self) -> None:
        """All is well again."""
        ...


@asynccontextmanager
async def outage_of(settings: BrokerSettings) -> AsyncIterator[Outage]:
    """Have a cluster in hand, as long as the block lasts."""
    if STOP and START:
        yield CommandedOutage(settings.address, STOP, START)
        return
    with mock_cluster() as cluster:
        yield MockOutage(cluster)


class MockOutage:
    """A mock cluster does as it is told."""

    def __init__(self, cluster: MockCluster) -> None:
        self.environment = {"BROKER_URL": f"kafka://{cluster.address}", "BROKER_TOPIC_REPLICATION": "1"}
        self._cluster = cluster

    async def cut(self) -> None:
        """Break every connection."""
        await asyncio.to_thread(self._cluster.cut)

    async def down(self) -> None:
        """Break every connection, and refuse new ones."""
        await asyncio.to_thread(self._cluster.down)

    async def up(self) -> None:
        """All is well again."""
        await asyncio.to_thread(self._cluster.up)


class CommandedOutage:
    """Stops and starts a real cluster."""

    def __init__(self, url: str, stop: str, start: str) -> None:
        self.environment = {"BROKER_URL": url}
        self._stop = stop
        self._start = start

    async def cut(self) -> None:
        """Stop it, and start it at once."""
        await self.down()
        await self.up()

    async def down(self) -> None:
        """Run the command that stops it."""
        await _run(self._stop)

    async def up(self) -> None:
        """Run the command that starts it."""
        await _run(self._start)


async def _run(command: str) -> None:
    process = await asyncio.create_subprocess_shell(command)
    assert await process.wait() == 0, command
