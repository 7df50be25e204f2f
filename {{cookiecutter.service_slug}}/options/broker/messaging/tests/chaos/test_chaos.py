"""Processes are killed and the broker goes away while clients write: every event is applied once, and in order."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import httpx2
import pytest
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.infrastructure.database.engine import create_migration_engine
from {{ cookiecutter.package_name }}.infrastructure.messaging import select_broker
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Broker, Depth, Subscription
from {{ cookiecutter.package_name }}.infrastructure.messaging.subscriptions import HISTORY, subscriptions

from ..deliveries import Handled, until_true
from .disturbances import disturb
from .judge import Verdict, judge, recorded, waiting
from .load import Ledger, write
from .outage import Outage, outage_of
from .processes import Process, fleet

SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))
OUTAGE_SECONDS = float(os.environ.get("CHAOS_OUTAGE_SECONDS", "30"))
DRAIN_SECONDS = 120
WORKERS = 2
REACTIONS = subscriptions()[HISTORY]
SUBSCRIPTION = Subscription(HISTORY, list(REACTIONS))


@pytest.fixture
def tell() -> Callable[[str], None]:
    """Prints with the seconds since the start."""
    started = monotonic()
    return lambda text: print(f"  {monotonic() - started:6.1f} s  {text}", flush=True)  # noqa: T201


@asynccontextmanager
async def writing(api: Process) -> AsyncIterator[Ledger]:
    """Clients write as long as the block lasts, and then wait for their last answers."""
    ledger, stop = Ledger(), asyncio.Event()
    clients = asyncio.create_task(write(f"http://127.0.0.1:{api.port}", ledger, stop, writers=10, pause_seconds=0.03))
    try:
        yield ledger
    finally:
        stop.set()
        await clients


async def test_nothing_is_lost_and_nothing_happens_twice(
    database_url: str,
    broker_settings: BrokerSettings,
    tmp_path: Path,
    tell: Callable[[str], None],
) -> None:
    await emptied(broker_settings)
    async with outage_of(broker_settings) as outage:
        with fleet(database_url, outage.environment, tmp_path, WORKERS) as (api, workers):
            await ready(api, *workers)
            tell(f"an API and {WORKERS} workers are ready")
            async with writing(api) as ledger:
                happened = await disturb(api, workers, outage, SECONDS, tell)
                await ready(api)
            tell(f"clients stop: {ledger.answers} changes acknowledged, {ledger.repeated} requests repeated")
            verdict = await drained(database_url, ledger)
            tell("drained")
            figures = await finish(api, workers)
        dead = await dead_letters(outage)
    report(ledger, figures, happened, dead, verdict)
    assert ledger.refused == []
    assert (verdict, dead) == (Verdict(lost=0, twice=0, out_of_order=0), 0)


async def test_requests_are_answered_while_the_broker_is_away(
    database_url: str,
    broker_settings: BrokerSettings,
    tmp_path: Path,
    tell: Callable[[str], None],
) -> None:
    await emptied(broker_settings)
    async with outage_of(broker_settings) as outage:
        with fleet(database_url, outage.environment, tmp_path, 1) as (api, workers):
            await ready(api, *workers)
            async with writing(api) as ledger:
                await asyncio.sleep(2)
                await outage.down()
                tell("broker away")
                readiness = await degraded(api)
                tell(f"readiness: {readiness}")
                await asyncio.sleep(OUTAGE_SECONDS)
                during = ledger.answers
                assert api.is_ready()
                tell(f"still away: {during} changes acknowledged, {ledger.repeated} requests repeated")
                await outage.up()
                back = monotonic()
            verdict = await drained(database_url, ledger)
            tell(f"drained {monotonic() - back:.1f} s after the broker came back")
            await ready(*workers)
            assert [process.stop() for process in (api, *workers)] == [0, 0]
    assert (ledger.repeated, ledger.refused, verdict) == (0, [], Verdict(lost=0, twice=0, out_of_order=0))


async def emptied(settings: BrokerSettings) -> None:
    """Take what an earlier run has left with the service's own subscription."""
    broker = select_broker(settings)
    await broker.open()
    try:
        async with broker.consuming(SUBSCRIPTION, Handled(), 32):
            for letter in await broker.dead_letters(SUBSCRIPTION, limit=10_000):
                await broker.replay(SUBSCRIPTION, letter.id)
            await until_true(lambda: is_empty(broker))
    finally:
        await broker.close()


async def is_empty(broker: Broker) -> bool:
    """Whether nothing lies there."""
    return await broker.depth(SUBSCRIPTION) == Depth(waiting=0, dead=0)


async def degraded(api: Process) -> dict[str, str]:
    """Wait until readiness tells of the broker, with 200; gives its checks."""
    async with asyncio.timeout(DRAIN_SECONDS), httpx2.AsyncClient() as client:
        while True:
            response = await client.get(f"http://127.0.0.1:{api.port}/health/ready")
            assert response.status_code == 200
            if response.json()["status"] == "degraded":
                checks: dict[str, str] = response.json()["checks"]
                return checks
            await asyncio.sleep(0.1)


async def ready(*processes: Process) -> None:
    """Wait until each would take requests."""
    async with asyncio.timeout(DRAIN_SECONDS):
        while not all([await asyncio.to_thread(process.is_ready) for process in processes]):  # noqa: ASYNC110
            await asyncio.sleep(0.2)


async def drained(database_url: str, ledger: Ledger) -> Verdict:
    """Wait until everything has arrived, or for as long as that may take."""
    engine = create_migration_engine(DatabaseSettings(url=SecretStr(database_url)))
    end = monotonic() + DRAIN_SECONDS
    while True:
        verdict = judge(ledger.versions, recorded(engine))
        if (verdict.lost, waiting(engine)) == (0, 0) or monotonic() > end:
            return verdict
        await asyncio.sleep(0.5)


async def finish(api: Process, workers: list[Process]) -> Counter[str]:
    """End everything in order; gives the figures of the workers."""
    assert [await asyncio.to_thread(process.stop) for process in (api, *workers)] == [0] * (1 + len(workers))
    return sum((worker.figures for worker in workers), Counter())


async def dead_letters(outage: Outage) -> int:
    """How many were put aside."""
    broker = select_broker(BrokerSettings(url=SecretStr(outage.environment["BROKER_URL"])))
    await broker.open()
    try:
        return len(await broker.dead_letters(SUBSCRIPTION, limit=1000))
    finally:
        await broker.close()


def report(ledger: Ledger, figures: Counter[str], happened: Counter[str], dead: int, verdict: Verdict) -> None:
    """Print what was counted. The workers' own counts miss what they did in their last moments before a kill."""
    rows = {
        "written (events of acknowledged changes)": ledger.events,
        "published (seen)": figures["outbox_published_total"],
        "delivered (seen)": sum(count for name, count in figures.items() if name.startswith("consumer_messages")),
        "duplicates dropped (seen)": figures["consumer_messages_total duplicate"],
        "delivered again later (seen)": figures["consumer_messages_total retried"],
        "dead-lettered": dead,
        "out of order": verdict.out_of_order,
        "applied twice": verdict.twice,
        "lost": verdict.lost,
    }
    print(f"  {', '.join(f'{name} {count}x' for name, count in sorted(happened.items()))}")  # noqa: T201
    for name, count in rows.items():
        print(f"  {name:<42} {count:>8}")  # noqa: T201
