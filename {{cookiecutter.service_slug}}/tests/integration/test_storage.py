"""The real database keeps every promise of storage, and those that only a real one can break."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
from chassis.testing.backups import Backups

from tests.support.api import DRAFT, URL, create
from tests.support.{{ cookiecutter.__entities }} import (
    {{ cookiecutter.__Entity }}PagesSuite,
    {{ cookiecutter.__Entity }}StorageSuite,
)


class TestStorage({{ cookiecutter.__Entity }}StorageSuite):
    """All promises of a repository."""


class TestPages({{ cookiecutter.__Entity }}PagesSuite):
    """All promises of lists."""


async def test_concurrent_repetitions_have_one_effect(client: httpx2.AsyncClient) -> None:
    headers = {"idempotency-key": "twins"}
    responses = await asyncio.gather(*(client.post(URL, json=DRAFT, headers=headers) for _ in range(20)))
    assert {response.status_code for response in responses} <= {201, 409}
    assert len({response.content for response in responses if response.status_code == 201}) == 1
    assert len((await client.get(URL)).json()["items"]) == 1


async def test_one_of_many_who_saw_the_same_version_wins(client: httpx2.AsyncClient) -> None:
    url = (await create(client)).headers["location"]
    changes = [{"quantity": 100 + number} for number in range(20)]
    responses = await asyncio.gather(*(client.patch(url, json=each, headers={"if-match": '"1"'}) for each in changes))
    assert sorted(response.status_code for response in responses) == [200] + [412] * 19
    assert {response.headers["etag"] for response in responses} == {'"2"'}


async def test_a_restored_service_answers_as_before(
    backups: Backups,
    client: httpx2.AsyncClient,
    database_url: str,
    empty_database_url: str,
    start: Callable[[str], Any],
) -> None:
    headers = {"idempotency-key": "before-the-backup"}
    created = await client.post(URL, json=DRAFT, headers=headers)
    file = await asyncio.to_thread(backups.take, database_url)
    await asyncio.to_thread(backups.put, file, empty_database_url)
    async with start(empty_database_url) as restored:
        assert (await restored.get(created.headers["location"])).json() == created.json()
        assert (await restored.get(URL)).json() == (await client.get(URL)).json()
        again = await restored.post(URL, json=DRAFT, headers=headers)
        assert (again.content, again.headers["idempotency-replayed"]) == (created.content, "true")
        assert (await restored.post(URL, json=DRAFT)).status_code == 201
