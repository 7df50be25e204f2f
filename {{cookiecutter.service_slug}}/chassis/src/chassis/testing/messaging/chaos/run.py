"""Chaos runs, from empty tables and queues to the verdict."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic

import httpx2

from .disturbances import disturb, disturbances
from .fleet import Fleet, ready, started_fleet
from .load import Ledger, writing
from .processes import ChaosProcess
from .queues import dead_letters, empty_queues
from .report import ChaosReport
from .service import ChaosService

DRAIN_SECONDS = 120


class Notes:
    """Prints with the seconds since the start."""

    def __init__(self) -> None:
        self._started = monotonic()

    def __call__(self, text: str) -> None:
        """Print a line."""
        print(f"  {monotonic() - self._started:6.1f} s  {text}", flush=True)  # noqa: T201


async def chaos_run(service: ChaosService, seconds: float) -> ChaosReport:
    """Kill processes, cut connections and take the broker away while clients write; then let everything arrive.

    Args:
        service: with an empty database; started and stopped here.
        seconds: how long things go wrong.
    """
    note = Notes()
    async with prepared_fleet(service, workers=2) as fleet:
        note("an API and two workers are ready")
        async with writing(fleet.api.url, service.lives, service.headers) as ledger:
            happened = await disturb(disturbances(service, fleet), seconds, note)
            await ready(fleet.api)
        note(f"clients stop: {ledger.answers} changes acknowledged, {ledger.repeated} requests repeated")
        return await conclude(service, fleet, ledger, happened)


async def outage_run(service: ChaosService, seconds: float) -> ChaosReport:
    """Take the broker away while clients write: every request must be answered; then let everything arrive.

    Args:
        service: with an empty database; started and stopped here.
        seconds: how long the broker is away.
    """
    note = Notes()
    async with prepared_fleet(service, workers=1) as fleet:
        async with writing(fleet.api.url, service.lives, service.headers) as ledger:
            await acknowledged(ledger, 20)
            await service.outage.down()
            note("broker outage begins")
            note(f"readiness: {await degraded(fleet.api)}")
            await asyncio.sleep(seconds)
            assert await asyncio.to_thread(fleet.api.is_ready)
            note(f"not over yet: {ledger.answers} changes acknowledged, {ledger.repeated} requests repeated")
            await service.outage.up()
            ended = monotonic()
        await drained(service, ledger)
        note(f"drained {monotonic() - ended:.1f} s after the outage")
        return await conclude(service, fleet, ledger, Counter({"broker outage": 1}))


@asynccontextmanager
async def prepared_fleet(service: ChaosService, workers: int) -> AsyncIterator[Fleet]:
    """The service on an empty database and with empty queues, started inside the block."""
    migrate = await asyncio.create_subprocess_exec(*service.command, "migrate", env={**os.environ, **service.settings})
    assert await migrate.wait() == 0
    await empty_queues(service)
    async with started_fleet(service.command, service.settings, service.folder, workers) as fleet:
        yield fleet


async def conclude(service: ChaosService, fleet: Fleet, ledger: Ledger, happened: Counter[str]) -> ChaosReport:
    """Let everything arrive and stop the service."""
    await drained(service, ledger)
    dead = await dead_letters(service)
    await ready(*fleet.processes)
    counters = await fleet.stop()
    verdict = await asyncio.to_thread(service.records.verdict, ledger.versions)
    return ChaosReport(ledger=ledger, disturbances=happened, counters=counters, verdict=verdict, dead_letters=dead)


async def acknowledged(ledger: Ledger, count: int) -> None:
    """Wait until so many changes are acknowledged."""
    async with asyncio.timeout(DRAIN_SECONDS):
        while ledger.answers < count:  # noqa: ASYNC110 - the load is not ours to instrument
            await asyncio.sleep(0.05)


async def degraded(api: ChaosProcess) -> Mapping[str, str]:
    """Wait until readiness reports the broker, with 200; returns its checks."""
    async with asyncio.timeout(DRAIN_SECONDS), httpx2.AsyncClient() as client:
        while True:
            response = await client.get(f"{api.url}/health/ready")
            assert response.status_code == 200
            if response.json()["status"] == "degraded":
                checks: dict[str, str] = response.json()["checks"]
                return checks
            await asyncio.sleep(0.1)


async def drained(service: ChaosService, ledger: Ledger) -> None:
    """Wait until everything has arrived, or as long as that may take."""
    end = monotonic() + DRAIN_SECONDS
    while monotonic() < end:
        verdict = await asyncio.to_thread(service.records.verdict, ledger.versions)
        if (verdict.lost, await asyncio.to_thread(service.records.waiting)) == (0, 0):
            return
        await asyncio.sleep(0.5)
