"""What clients and probes notice of events."""

from typing import NoReturn

import httpx2
import pytest
from chassis.errors import Unavailable
from chassis.messaging.brokers.in_process import InProcessBroker
from chassis.testing.brokers import eventually_true

from tests.support.api import URL, create


@pytest.fixture
def lost_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker cannot be reached."""

    async def check(_: InProcessBroker) -> NoReturn:
        raise Unavailable("broker", "cannot be reached")

    monkeypatch.setattr(InProcessBroker, "check", check)


async def test_the_history_shows_every_event_by_version(client: httpx2.AsyncClient) -> None:
    url = (await create(client)).headers["location"]
    await client.post(f"{url}/confirm", headers={"if-match": "*"})

    async def is_complete() -> bool:
        return len((await client.get(f"{url}/history")).json()["items"]) == 2

    await eventually_true(is_complete)
    first, second = (await client.get(f"{url}/history")).json()["items"]
    assert [each["version"] for each in (first, second)] == [1, 2]
    prefix = "{{ cookiecutter.service_slug }}.{{ cookiecutter.__kind }}"
    assert [each["type"] for each in (first, second)] == [f"{prefix}.created", f"{prefix}.confirmed"]
    assert first["data"]["reference"] == "A-1001"
    later = (await client.get(f"{url}/history", params={"after": 1})).json()["items"]
    assert later == [second]


async def test_the_history_of_an_unknown_id_is_not_found(client: httpx2.AsyncClient) -> None:
    response = await client.get(f"{URL}/019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01/history")
    assert response.status_code == 404


@pytest.mark.usefixtures("lost_broker")
async def test_requests_are_answered_while_the_broker_is_away(client: httpx2.AsyncClient) -> None:
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["checks"]["broker"] == "cannot be reached"
    await create(client)


async def test_names_the_broker(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/info")).json()["dependencies"]["broker"] == "in-process"
