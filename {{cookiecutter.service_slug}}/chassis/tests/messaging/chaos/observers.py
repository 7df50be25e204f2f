"""Look at the processes of a chaos run from outside: readiness, metrics, and when requests stop failing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx2

from chassis.testing.messaging.chaos import Ledger
from chassis.testing.messaging.chaos.processes import ChaosProcess

SECONDS = 60


async def readiness(process: ChaosProcess, check: str = "database") -> tuple[int, str, str]:
    """Status code, status, and the result of one of the checks."""
    async with httpx2.AsyncClient() as client:
        response = await client.get(f"{process.url}/health/ready", timeout=10)
    shown = response.json()
    return response.status_code, shown["status"], shown["checks"][check]


async def database_is_up(process: ChaosProcess) -> bool:
    """What the alert on the database reads."""
    async with httpx2.AsyncClient() as client:
        text = (await client.get(f"{process.url}/metrics", timeout=10)).text
    return 'dependency_up{dependency="database"} 1.0' in text.splitlines()


async def until_ready_as(process: ChaosProcess, status: str, seconds: float = SECONDS) -> None:
    """Wait until readiness reports a status, with 200 until then and afterwards."""
    shown: tuple[int, str, str] | None = None
    try:
        async with asyncio.timeout(seconds):
            while (shown := await readiness(process))[:2] != (200, status):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{process.name} is {shown}, not {status}, after {seconds} s") from None


@dataclass
class Failures:
    """When requests were repeated.

    Attributes:
        last: time of the event loop at which the last one was seen.
    """

    ledger: Ledger
    last: float = 0.0
    _repeated: int = field(default=0, init=False)

    async def watch(self) -> None:
        """Look often, for ever."""
        while True:
            if self.ledger.repeated > self._repeated:
                self._repeated = self.ledger.repeated
                self.last = asyncio.get_running_loop().time()
            await asyncio.sleep(0.05)


@asynccontextmanager
async def watched(ledger: Ledger) -> AsyncIterator[Failures]:
    """Watch inside the block."""
    failures = Failures(ledger)
    watching = asyncio.create_task(failures.watch())
    try:
        yield failures
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
