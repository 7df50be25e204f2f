"""The sample as a service that chaos runs start."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

import pytest

from chassis.settings import load_settings
from chassis.testing.messaging.chaos import BrokerOutage, ChaosService, Cut, Records
from tests.messaging.chaos.combinations import Combination
from tests.messaging.chaos.lives import LIVES
from tests.sample.messaging.choices import BROKER, STORAGE, storage_adapters


@asynccontextmanager
async def sample_on(
    combination: Combination,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    *,
    url: str,
    service_url: str,
    cut_database: Cut | None = None,
) -> AsyncIterator[ChaosService]:
    """The sample on one database and one broker, inside the block.

    Args:
        combination: of adapters.
        monkeypatch: of the environment.
        folder: for logs.
        url: of the database, read without failures.
        service_url: that its processes reach the database by.
        cut_database: breaks every connection to the database.
    """
    monkeypatch.setenv(STORAGE, combination.storage_package)
    monkeypatch.setenv(BROKER, combination.broker_package)
    async with import_module(f"{combination.broker_package}.server").outage() as outage:
        for name, value in {**outage.environment, "DATABASE_URL": url, "ENVIRONMENT": "dev"}.items():
            monkeypatch.setenv(name, value)
        yield _service(outage, service_url, cut_database, folder)


def _service(outage: BrokerOutage, database_url: str, cut_database: Cut | None, folder: Path) -> ChaosService:
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
