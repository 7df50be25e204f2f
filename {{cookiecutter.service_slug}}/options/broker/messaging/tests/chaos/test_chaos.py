"""Processes are killed, broker and database fail while clients write: every event is applied once, and in order."""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chassis.messaging.storage.{{ cookiecutter.database }}.tables import history, outbox
from chassis.settings import load_settings
from chassis.testing.brokers.{{ cookiecutter.broker }} import outage_of
from chassis.testing.messaging.chaos import ChaosService, Client, Records, chaos_run, database_connections, outage_run
from chassis.testing.{{ cookiecutter.database }} import DEFAULT_PORT, fresh_database

from {{ cookiecutter.package_name }} import bootstrap
from {{ cookiecutter.package_name }}.config.settings import Settings
from {{ cookiecutter.package_name }}.infrastructure.schema import create_target
{{ "\nfrom tests.support.callers import HEADERS\n" if cookiecutter.auth != "none" }}
SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))
OUTAGE_SECONDS = float(os.environ.get("CHAOS_OUTAGE_SECONDS", "30"))
# Set by `make chaos`. Kept before tests change the environment; the database that is named is not touched.
DATABASE_URL, BROKER_URL = os.environ.get("DATABASE_URL", ""), os.environ.get("BROKER_URL", "")
URL = "/v1/{{ cookiecutter.__resource }}"


async def life(client: Client) -> None:
    """{{ cookiecutter.__a_noun[0]|upper }}{{ cookiecutter.__a_noun[1:] }} is created, amended, confirmed, cancelled."""
    created = await client.send("POST", URL, {"reference": "A-1001", "quantity": 3})
    path = created.headers["location"]
    for quantity in range(4, 7):
        await client.send("PATCH", path, {"quantity": quantity})
    await client.send("POST", f"{path}/confirm")
    await client.send("POST", f"{path}/cancel")


# What clients do, by kind of aggregate.
LIVES = {"{{ cookiecutter.__kind }}": life}


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[ChaosService]:
    """The service on a database of its own, and on a broker and a database that fail."""
    with fresh_database(DATABASE_URL) as url:
        async with outage_of(BROKER_URL) as outage, database_connections(url, DEFAULT_PORT) as (proxied, cut):
            for name, value in {**outage.environment, "DATABASE_URL": url}.items():
                monkeypatch.setenv(name, value)
            settings = load_settings(Settings, ["broker", "database"])
            yield ChaosService(
                command=[sys.executable, "-m", "{{ cookiecutter.package_name }}"],
                settings={"DATABASE_URL": proxied},
                lives=LIVES,
{{ "                headers=HEADERS,\n" if cookiecutter.auth != "none" }}                records=Records(create_target(settings.database).engine(), outbox, [history]),
                create_broker=lambda: bootstrap.create_broker(settings),
                consumers=bootstrap.create_subscriptions_in_memory(),
                outage=outage,
                cut_database=cut,
                folder=tmp_path,
            )


async def test_nothing_is_lost_and_nothing_is_applied_twice(service: ChaosService) -> None:
    report = await chaos_run(service, SECONDS)
    print(report)  # noqa: T201
    assert report.is_clean, str(report)


async def test_requests_are_answered_while_the_broker_is_away(service: ChaosService) -> None:
    report = await outage_run(service, OUTAGE_SECONDS)
    assert report.is_clean, str(report)
    assert report.ledger.repeated == 0
