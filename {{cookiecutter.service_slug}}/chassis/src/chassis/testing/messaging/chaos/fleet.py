"""An API and its workers, each a process of its own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from .processes import ChaosProcess, free_port

READY_SECONDS = 120
SETTINGS = {
    "ENVIRONMENT": "dev",
    "LOG_FORMAT": "json",
    "SHUTDOWN_DRAIN_SECONDS": "0",
    # Shorter than by default, so that an outage ends before the attempts of a message do.
    "CONSUMER_BACKOFF_MAX_SECONDS": "5",
}


@dataclass(frozen=True)
class Fleet:
    """The processes of a service."""

    api: ChaosProcess
    workers: Sequence[ChaosProcess]

    @property
    def processes(self) -> Sequence[ChaosProcess]:
        """All of them."""
        return (self.api, *self.workers)

    async def stop(self) -> Counter[str]:
        """Stop everything in order, which every process must survive; returns the counters of the workers."""
        codes = {process.name: await asyncio.to_thread(process.stop) for process in self.processes}
        assert set(codes.values()) == {0}, codes
        return sum((worker.counters for worker in self.workers), Counter())


@asynccontextmanager
async def started_fleet(
    command: Sequence[str], settings: Mapping[str, str], folder: Path, workers: int
) -> AsyncIterator[Fleet]:
    """A fleet that is ready, inside the block; killed at its end.

    Args:
        command: of the service, to which `serve` and `worker` are added.
        settings: environment variables for every process.
        folder: of their logs.
        workers: how many.
    """

    def process(name: str, arguments: Sequence[str], variable: str) -> ChaosProcess:
        port = free_port()
        own = {**SETTINGS, **settings, variable: str(port)}
        return ChaosProcess(name, [*command, *arguments], own, port, folder)

    fleet = Fleet(
        process("api", ["serve", "--no-worker"], "HTTP_PORT"),
        [process(f"worker-{number}", ["worker"], "WORKER_PORT") for number in range(1, workers + 1)],
    )
    try:
        for each in fleet.processes:
            each.start()
        await ready(*fleet.processes)
        yield fleet
    finally:
        for each in fleet.processes:
            each.abandon()


async def ready(*processes: ChaosProcess) -> None:
    """Wait until each accepts requests."""
    async with asyncio.timeout(READY_SECONDS):
        while not all([await asyncio.to_thread(process.is_ready) for process in processes]):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
