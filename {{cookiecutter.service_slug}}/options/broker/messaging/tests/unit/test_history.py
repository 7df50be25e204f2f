"""The history over HTTP: the events of the service, published and taken in by itself."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from {{ cookiecutter.package_name }}.bootstrap import create_service
from {{ cookiecutter.package_name }}.config import Settings
from {{ cookiecutter.package_name }}.infrastructure.database.memory import MemoryDatabase
from {{ cookiecutter.package_name }}.infrastructure.messaging.in_process import InProcessBroker
from {{ cookiecutter.package_name }}.infrastructure.messaging.schemas import PREFIX

from ..conftest import running
from ..deliveries import until_true

URL = "/v1/{{ cookiecutter.__resource }}"
NOWHERE = f"{URL}/019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01/history"


async def create(client: httpx2.AsyncClient) -> Any:
    """A new one, as it was answered."""
    response = await client.post(URL, json={"reference": "A-1001", "quantity": 3})
    assert response.status_code == 201
    return response.json()


@pytest.fixture
async def idle(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """Sends requests to a service whose worker stands still."""
    async with running(create_service(settings, MemoryDatabase(), InProcessBroker())) as started:
        yield started


@pytest.fixture
async def working(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """Sends requests to a service that publishes and takes in."""
    async with running(create_service(settings, MemoryDatabase(), InProcessBroker(), works=True)) as started:
        yield started


@pytest.fixture
async def lived(working: httpx2.AsyncClient) -> Any:
    """One to which everything has happened, once its history tells that."""
    one = await create(working)
    url = f"{URL}/{one['id']}"
    await working.patch(url, json={"quantity": 5}, headers={"if-match": '"1"'})
    await working.post(f"{url}/confirm", headers={"if-match": '"2"'})
    await working.post(f"{url}/cancel", headers={"if-match": '"3"'})

    async def told() -> bool:
        return len((await working.get(f"{url}/history")).json()["items"]) == 4

    await until_true(told)
    return one


async def test_tells_everything_that_has_happened_in_order(working: httpx2.AsyncClient, lived: Any) -> None:
    items = (await working.get(f"{URL}/{lived['id']}/history")).json()["items"]
    actions = ["created", "amended", "confirmed", "cancelled"]
    assert [item["version"] for item in items] == [1, 2, 3, 4]
    assert all(item["type"].startswith(f"{PREFIX}.{action}") for item, action in zip(items, actions, strict=True))
    assert len({item["event_id"] for item in items}) == 4
    assert items[0]["occurred_at"] == lived["created_at"]
    assert items[1]["data"]["quantity"] == 5
    assert {item["data"]["id"] for item in items} == {lived["id"]}


@pytest.mark.parametrize(
    ("parameters", "versions"),
    [
        ({"limit": 2}, [1, 2]),
        ({"after": 2}, [3, 4]),
        ({"after": 1, "limit": 1}, [2]),
        ({"after": 4}, []),
        ({"after": 2**31 - 1}, []),
    ],
)
async def test_tells_as_much_as_is_asked_for(
    working: httpx2.AsyncClient,
    lived: Any,
    parameters: dict[str, int],
    versions: list[int],
) -> None:
    answered = await working.get(f"{URL}/{lived['id']}/history", params=parameters)
    assert [item["version"] for item in answered.json()["items"]] == versions


@pytest.mark.parametrize("parameters", [{"limit": 0}, {"limit": 1001}, {"after": -1}, {"after": 2**31}, {"after": "x"}])
async def test_refuses_what_makes_no_sense(idle: httpx2.AsyncClient, parameters: dict[str, Any]) -> None:
    assert (await idle.get(NOWHERE, params=parameters)).status_code == 422


async def test_is_empty_until_the_events_have_come_round(idle: httpx2.AsyncClient) -> None:
    one = await create(idle)
    answered = await idle.get(f"{URL}/{one['id']}/history")
    assert (answered.status_code, answered.json()) == (200, {"items": []})


async def test_there_is_none_of_what_does_not_exist(idle: httpx2.AsyncClient) -> None:
    answered = await idle.get(NOWHERE)
    assert (answered.status_code, answered.headers["content-type"]) == (404, "application/problem+json")
