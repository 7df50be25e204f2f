"""Processes are killed, broker and database fail while clients write: every event is applied once, and in order."""

import os
import sys
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import pytest

from chassis.settings import load_settings
from chassis.testing.messaging.chaos import (
    BrokerOutage,
    ChaosService,
    Cut,
    Records,
    chaos_run,
    database_connections,
    outage_run,
)
from tests.messaging.chaos.combinations import EACH_BROKER, EVERY_OTHER_PAIR, Combination
from tests.messaging.chaos.lives import LIVES
from tests.sample.messaging.choices import BROKER, STORAGE, storage_adapters
from tests.support.servers import skip_if_none

SECONDS = float(os.environ.get("CHAOS_SECONDS", "15"))
OUTAGE_SECONDS = float(os.environ.get("CHAOS_OUTAGE_SECONDS", "3"))


def case(combination: Combination, *marks: pytest.MarkDecorator) -> object:
    """A combination; every run on one broker uses the same queues."""
    group = pytest.mark.xdist_group(f"chaos-{combination.broker}")
    return pytest.param(combination, id=str(combination), marks=[group, *marks])


CASES = [case(each) for each in EACH_BROKER]
MORE = [case(each, pytest.mark.long) for each in EVERY_OTHER_PAIR]


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where processes keep bytecode: outside this folder, and so that a restart need not compile everything."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch, bytecode: Path) -> None:
    """Processes find this package."""
    monkeypatch.chdir(Path(__file__).parents[3])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(bytecode))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)


@pytest.fixture
async def service(
    request: pytest.FixtureRequest,
    importable: None,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> AsyncIterator[ChaosService]:
    """The sample on one database and one broker."""
    skip_if_none()
    combination: Combination = request.param
    monkeypatch.setenv(STORAGE, combination.storage_package)
    monkeypatch.setenv(BROKER, combination.broker_package)
    database = import_module(f"{combination.storage_package}.server")
    broker = import_module(f"{combination.broker_package}.server")
    with database.fresh_database() as url:
        async with broker.outage() as outage, database_connections(url, database.DEFAULT_PORT) as (proxied, cut):
            for name, value in {**outage.environment, "DATABASE_URL": url, "ENVIRONMENT": "dev"}.items():
                monkeypatch.setenv(name, value)
            yield sample(outage, proxied, cut, tmp_path)


def sample(outage: BrokerOutage, database_url: str, cut_database: Cut | None, folder: Path) -> ChaosService:
    """The sample that the environment describes; its processes reach the database by a URL of their own."""
    from tests.sample.messaging import bootstrap
    from tests.sample.messaging.settings import settings_class

    adapters, settings = storage_adapters(), load_settings(settings_class(), ["broker", "database"])
    return ChaosService(
        command=[sys.executable, "-m", "tests.sample.messaging"],
        settings={"DATABASE_URL": database_url},
        lives=LIVES,
        records=Records(adapters.create_engine(settings.database), adapters.OUTBOX, adapters.RECORDS),
        create_broker=lambda: bootstrap.create_broker(settings),
        consumers=bootstrap.create_subscriptions_in_memory(),
        outage=outage,
        cut_database=cut_database,
        folder=folder,
    )


@pytest.mark.parametrize("service", [*CASES, *MORE], indirect=True)
async def test_nothing_is_lost_and_nothing_is_applied_twice(service: ChaosService) -> None:
    report = await chaos_run(service, SECONDS)
    print(report)  # noqa: T201
    assert report.is_clean, str(report)


@pytest.mark.parametrize("service", [*CASES, *MORE], indirect=True)
async def test_requests_are_answered_while_the_broker_is_away(service: ChaosService) -> None:
    report = await outage_run(service, OUTAGE_SECONDS)
    assert report.is_clean, str(report)
    assert report.ledger.repeated == 0
