"""What operators see of this service: probes, metrics, and the lines that docs/observability.md lists."""

import os
import signal
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import httpx2
import pytest
from chassis.database import Database
from chassis.errors import Interrupted
from chassis.http.application import Service
from chassis.service import ServiceIdentity
from chassis.telemetry.log_rate_limit import BURST
from chassis.testing.events import check_events_are_counted
from chassis.testing.failures import database_unavailable
from chassis.testing.http import serving
from chassis.testing.log_events import LogDocument, LoggingCode, logged

from tests.support.api import DRAFT, URL, create

DOCUMENT = LogDocument(Path(__file__).parents[2] / "docs" / "observability.md")
IDENTITY = ServiceIdentity.of_distribution("{{ cookiecutter.service_slug }}", "")


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


@pytest.fixture(scope="module")
def code() -> LoggingCode:
    """All code that the service may run."""
    return LoggingCode("{{ cookiecutter.package_name }}")


@pytest.fixture
def troubles(store: object, closed_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of trouble with the database."""

    async def interrupted(*_: object) -> NoReturn:
        raise Interrupted("database", "a deadlock")

    async def failing(*_: object) -> NoReturn:
        raise ZeroDivisionError("a mistake")

    async def purging(*_: object) -> int:
        return 3

    monkeypatch.setattr(closed_database, "check", database_unavailable)
    monkeypatch.setattr(closed_database, "purge_idempotency_keys", purging)
    monkeypatch.setattr(store, "find", interrupted)
    monkeypatch.setattr(store, "page", failing)


@pytest.mark.usefixtures("troubles")
async def test_every_field_of_a_running_service_is_documented(service: Service, code: LoggingCode) -> None:
    with logged(IDENTITY) as lines:
        async with serving(service) as client:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert (await client.post(URL, json=DRAFT)).status_code == 201
            assert (await client.post(URL, json=DRAFT | {"quantity": 0})).status_code == 422
            assert (await client.get(f"{URL}/{uuid4()}")).status_code == 503
            assert (await client.get("/health/ready")).status_code == 503
            for _ in range(BURST + 1):
                assert (await client.get(URL)).status_code == 500
            os.kill(os.getpid(), signal.SIGUSR2)
    assert DOCUMENT.undocumented(lines) == set()
    logged_fields = {name for line in lines for name in line}
    assert DOCUMENT.fields_below("## Fields").keys() - logged_fields == set()
    assert DOCUMENT.fields.keys() - logged_fields - code.fields == set()


async def test_a_line_shows_nothing_of_a_client_and_its_data(service: Service) -> None:
    with logged(IDENTITY, "debug") as lines:
        async with serving(service) as client:
            headers = {"authorization": "hidden", "cookie": "hidden"}
            for quantity in (3, "hidden"):
                body = {"reference": "of-a-customer", "quantity": quantity}
                await client.post(f"{URL}?from=hidden", json=body, headers=headers)
            await client.get(f"{URL}?cursor=hidden")
    assert {"request", "request refused"} <= {line["event"] for line in lines}
    of_requests = [line for line in lines if not line["event"].startswith("Uvicorn running on")]
    assert not any(text in str(of_requests) for text in ("hidden", "of-a-customer", "127.0.0.1"))


def test_every_field_that_the_code_logs_is_documented(code: LoggingCode) -> None:
    missing = code.fields - DOCUMENT.fields.keys()
    assert not missing, f"add the fields {sorted(missing)} to the tables of docs/observability.md"


def test_every_event_that_the_code_logs_is_documented(code: LoggingCode) -> None:
    missing = code.events - DOCUMENT.events
    assert not missing, f"add the lines {sorted(missing)} to the first table of docs/observability.md"
    gone = {event for event, _ in DOCUMENT.events if not code.names(event)}
    assert not gone, f"no code logs {sorted(gone)}: remove them from docs/observability.md"
