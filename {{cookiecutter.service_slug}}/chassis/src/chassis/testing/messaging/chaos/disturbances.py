"""Disturbances: the failures of a bad night."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable

from .fleet import Fleet
from .processes import ChaosProcess
from .service import ChaosService

PAUSE_SECONDS = (0.5, 2.5)
OUTAGE_SECONDS = (2.0, 6.0)
Disturbance = tuple[str, Callable[[], Awaitable[None]]]


def disturbances(service: ChaosService, fleet: Fleet) -> list[Disturbance]:
    """One of each kind; a killed process is started again, an outage ends."""

    async def kill(process: ChaosProcess) -> None:
        await asyncio.to_thread(process.kill)
        process.start()

    async def kill_any_worker() -> None:
        await kill(random.choice(fleet.workers))  # noqa: S311

    async def kill_all_workers() -> None:
        for worker in fleet.workers:
            await kill(worker)

    async def broker_outage() -> None:
        await service.outage.down()
        await asyncio.sleep(random.uniform(*OUTAGE_SECONDS))  # noqa: S311
        await service.outage.up()

    found: list[Disturbance] = [
        ("api killed", lambda: kill(fleet.api)),
        ("worker killed", kill_any_worker),
        ("worker killed", kill_any_worker),
        ("all workers killed", kill_all_workers),
        ("broker connections cut", service.outage.cut),
        ("broker outage", broker_outage),
    ]
    if cut := service.cut_database:

        async def cut_database() -> None:
            cut()

        found.append(("database connections cut", cut_database))
    return found


async def disturb(kinds: list[Disturbance], seconds: float, note: Callable[[str], None]) -> Counter[str]:
    """Let them happen in random order for a time; at its end everything runs again.

    Args:
        kinds: each happens once before any happens again.
        seconds: how long.
        note: called with what happens.

    Returns:
        how often each happened.
    """
    happened: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    upcoming = kinds.copy()
    while loop.time() < end:
        await asyncio.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311
        name, disturbance = upcoming.pop(random.randrange(len(upcoming)))  # noqa: S311
        upcoming = upcoming or kinds.copy()
        note(name)
        happened[name] += 1
        await disturbance()
    return happened
