"""Takes a broker away and brings it back, for chaos tests.

By default with a proxy between the service and the broker. Where CHAOS_BROKER_STOP and CHAOS_BROKER_START are set, such
as to `docker compose kill broker` and `docker compose start broker`, these commands stop and start the broker itself.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from ..faults import FaultProxy, fault_proxy


class Outage:
    """Failures of one broker; the service reaches it through the proxy."""

    def __init__(self, proxy: FaultProxy, stop: str | None = None, start: str | None = None) -> None:
        self._proxy = proxy
        self._stop = stop
        self._start = start

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings that lead a service through the proxy."""
        return {"BROKER_URL": self._proxy.url}

    async def cut(self) -> None:
        """Break every connection; new ones work."""
        self._proxy.cut()

    async def down(self) -> None:
        """Break every connection, and refuse new ones."""
        if self._stop:
            await _run(self._stop)
        else:
            await self._proxy.stop_listening()

    async def up(self) -> None:
        """End the outage."""
        if self._start:
            await _run(self._start)
        else:
            await self._proxy.listen()


@asynccontextmanager
async def outage_of(url: str, default_port: int = 0) -> AsyncIterator[Outage]:
    """Control over the broker of a URL, inside the block."""
    stop, start = os.environ.get("CHAOS_BROKER_STOP"), os.environ.get("CHAOS_BROKER_START")
    async with fault_proxy(url, default_port) as proxy:
        yield Outage(proxy, stop, start) if stop and start else Outage(proxy)


async def _run(command: str) -> None:
    process = await asyncio.create_subprocess_shell(command)
    assert await process.wait() == 0, command
