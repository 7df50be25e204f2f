"""The lines that the service logs are those that docs/observability.md lists, field by field."""

import os
import signal
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from chassis.database import Database
from chassis.errors import Interrupted
from chassis.http.application import Service
from chassis.service import ServiceIdentity
from chassis.telemetry.log_rate_limit import BURST
from chassis.testing.failures import database_unavailable
from chassis.testing.http import serving
from chassis.testing.log_events import LogDocument, LoggingCode, logged

from tests.support.api import DRAFT, URL

DOCUMENT = LogDocument(Path(__file__).parents[2] / "docs" / "observability.md")
IDENTITY = ServiceIdentity.of_distribution("{{ cookiecutter.service_slug }}", "")


@pytest.fixture(scope="module")
def code() -> LoggingCode:
    """All code that the service may run."""
    return LoggingCode("{{ cookiecutter.package_name }}")


@pytest.fixture
def troubles(storage: Any, closed_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of trouble with the database."""

    async def interrupted(*_: object) -> NoReturn:
        raise Interrupted("database", "a deadlock")

    async def failing(*_: object) -> NoReturn:
        raise ZeroDivisionError("a mistake")

    async def purging(*_: object) -> int:
        return 3

    monkeypatch.setattr(closed_database, "check", database_unavailable)
    monkeypatch.setattr(closed_database, "purge_idempotency_keys", purging)
    monkeypatch.setattr(storage.{{ cookiecutter.__entities }}, "find", interrupted)
    monkeypatch.setattr(storage.{{ cookiecutter.__entities }}, "page", failing)


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
    assert code.fields - DOCUMENT.fields.keys() == set()


def test_every_event_that_the_code_logs_is_documented(code: LoggingCode) -> None:
    assert code.events - DOCUMENT.events == set()
    assert {event for event, _ in DOCUMENT.events if not code.names(event)} == set()
