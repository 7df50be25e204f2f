"""Primary and standby swap roles under load: writes fail for seconds, and no acknowledged change is lost."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chassis.testing.faults import FaultProxy, fault_proxy
from chassis.testing.messaging.chaos import ChaosService, Fleet, Ledger
from chassis.testing.messaging.chaos.load import writing
from chassis.testing.messaging.chaos.run import acknowledged, conclude, prepared_fleet
from tests.messaging.chaos.combinations import BROKERS, Combination
from tests.messaging.chaos.observers import readiness, until_ready_as, watched
from tests.messaging.chaos.samples import sample_on
from tests.messaging.storage.postgresql.replication import Pair, replicating_pair

FAILING_SECONDS = 10.0
# Longer than a process needs to find out, so that whatever still uses the server that was demoted shows.
LINGERING_SECONDS = 10.0
CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
pytestmark = [pytest.mark.long, pytest.mark.xdist_group(f"chaos-{BROKERS[0]}"), pytest.mark.usefixtures("importable")]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Both servers."""
    with replicating_pair() as pair:
        yield pair


@pytest.fixture
async def address(pair: Pair) -> AsyncIterator[FaultProxy]:
    """The address of the primary, whichever it is."""
    async with fault_proxy(pair.primary.url) as proxy:
        yield proxy


@pytest.fixture
async def service(address: FaultProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[ChaosService]:
    """The sample, whose database is at that address."""
    combination = Combination("postgresql", BROKERS[0])
    async with sample_on(combination, monkeypatch, tmp_path, url=address.url, service_url=address.url) as service:
        yield service


async def writes_recover(ledger: Ledger, fleet: Fleet, ended: float, last_failure: float) -> None:
    """Clients write, and no request failed later than a few seconds after the swap."""
    await acknowledged(ledger, ledger.answers + 200)
    assert last_failure - ended < FAILING_SECONDS
    for process in fleet.processes:
        await until_ready_as(process, "ready", FAILING_SECONDS)


async def test_a_demoted_server_that_keeps_its_connections_is_left_for_the_new_primary(
    service: ChaosService, pair: Pair, address: FaultProxy
) -> None:
    loop = asyncio.get_running_loop()
    async with prepared_fleet(service, workers=2) as fleet:
        async with writing(fleet.api.url, service.lives) as ledger, watched(ledger) as failures:
            for _ in range(2):
                await acknowledged(ledger, ledger.answers + 200)
                await asyncio.to_thread(pair.demote)
                for process in fleet.processes:
                    await until_ready_as(process, "degraded")
                    assert await readiness(process) == (200, "degraded", "the server is read-only")
                await asyncio.to_thread(pair.promote)
                address.redirect(pair.primary.url)
                swapped = loop.time()
                await asyncio.sleep(LINGERING_SECONDS)
                await writes_recover(ledger, fleet, swapped, failures.last)
                assert await asyncio.to_thread(pair.standby.run, CONNECTIONS) == 0
                await asyncio.to_thread(pair.rejoin)
        service.records.engine.dispose()
        report = await conclude(service, fleet, ledger, Counter({"demoted": 2}))
    assert report.is_clean, str(report)


async def test_nothing_acknowledged_is_lost_with_a_primary_that_crashes(
    service: ChaosService, pair: Pair, address: FaultProxy
) -> None:
    loop = asyncio.get_running_loop()
    async with prepared_fleet(service, workers=2) as fleet:
        async with writing(fleet.api.url, service.lives) as ledger, watched(ledger) as failures:
            for _ in range(2):
                await acknowledged(ledger, ledger.answers + 200)
                await asyncio.to_thread(pair.primary.end, signal.SIGQUIT)
                await asyncio.to_thread(pair.promote)
                address.redirect(pair.primary.url)
                swapped = loop.time()
                await asyncio.sleep(LINGERING_SECONDS)
                await writes_recover(ledger, fleet, swapped, failures.last)
                await asyncio.to_thread(pair.rejoin)
        service.records.engine.dispose()
        report = await conclude(service, fleet, ledger, Counter({"crashed": 2}))
    assert report.is_clean, str(report)
