"""A newer release is rolled out under load, process by process, and rolled back."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from time import monotonic
from uuid import UUID

from .fleet import ready
from .load import Ledger, writing
from .processes import ChaosProcess
from .report import ChaosReport
from .run import DRAIN_SECONDS, Notes, acknowledged, conclude, prepared_fleet
from .service import ChaosService

# Changes that are acknowledged between two steps.
CHANGES = 150


async def rollout_run(service: ChaosService, newer: Mapping[str, str]) -> ChaosReport:
    """Replace each process by one of a newer release, and back, while clients write; then let everything arrive.

    The newer release may publish event types that the older one does not know. So the first worker is replaced before
    the API, which publishes them, and the last worker of the newer release stops after the API, once what that had
    published has been handled.

    Args:
        service: with an empty database; started and stopped here.
        newer: settings that make a process one of the newer release.
    """
    note = Notes()
    async with prepared_fleet(service, workers=2) as fleet:
        first, last = fleet.workers
        older = {each.name: each.settings for each in fleet.processes}

        async def replace(process: ChaosProcess, settings: Mapping[str, str], text: str) -> None:
            assert await asyncio.to_thread(process.stop) == 0
            process.settings = {**older[process.name], **settings}
            process.start()
            await ready(process)
            note(f"{process.name} is of the {text} release")

        async with writing(fleet.api.url, service.lives, service.headers) as ledger:
            await more(ledger)
            for process in (first, fleet.api, last):
                await replace(process, newer, "newer")
                await more(ledger)
            for process in (fleet.api, first):
                await replace(process, {}, "older")
                await more(ledger)
            await applied(service, dict(ledger.versions))
            await replace(last, {}, "older")
            await more(ledger)
        note(f"clients stop: {ledger.answers} changes acknowledged, {ledger.repeated} requests repeated")
        return await conclude(service, fleet, ledger, Counter({"process replaced": 2 * len(fleet.processes)}))


async def more(ledger: Ledger) -> None:
    """Wait until the clients have made some more changes."""
    await acknowledged(ledger, ledger.answers + CHANGES)


async def applied(service: ChaosService, versions: Mapping[tuple[str, UUID], int]) -> None:
    """Wait until every consumer has handled these events, or as long as that may take."""
    end = monotonic() + DRAIN_SECONDS
    while (await asyncio.to_thread(service.records.verdict, versions)).lost and monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
