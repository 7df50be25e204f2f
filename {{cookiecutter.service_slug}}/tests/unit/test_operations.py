"""What probes, scrapers and people on call are told about this service."""

import httpx2
import pytest
from chassis.database import Database
from chassis.testing.events import check_events_are_counted
from chassis.testing.failures import database_unavailable

from tests.support.api import create


@pytest.fixture
def lost_database(closed_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database of the service cannot be reached."""
    monkeypatch.setattr(closed_database, "check", database_unavailable)


@pytest.mark.parametrize(
    "path",
    ["/health/live", "/health/ready", "/health/startup", "/info", "/metrics", "/docs", "/openapi.json"],
)
async def test_every_endpoint_for_operations_answers(client: httpx2.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 200


@pytest.mark.usefixtures("lost_database")
async def test_a_lost_database_makes_it_unready_but_not_dead(client: httpx2.AsyncClient) -> None:
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "cannot be reached")
    assert (await client.get("/health/live")).status_code == 200


async def test_names_what_is_running(client: httpx2.AsyncClient) -> None:
    info = (await client.get("/info")).json()
    assert (info["name"], info["environment"]) == ("{{ cookiecutter.service_slug }}", "local")
    assert info["dependencies"]["database"] == "in-memory"


async def test_every_event_is_counted(client: httpx2.AsyncClient) -> None:
    check_events_are_counted("{{ cookiecutter.package_name }}.domain", (await client.get("/metrics")).text)
    url = (await create(client)).headers["location"]
    await client.post(f"{url}/confirm", headers={"if-match": "*"})
    metrics = (await client.get("/metrics")).text
    assert '\n{{ cookiecutter.__entity }}_events_total{action="confirmed"} 1.0\n' in metrics
    assert '\n{{ cookiecutter.__entity }}_age_seconds_count{action="confirmed"} 1.0\n' in metrics
