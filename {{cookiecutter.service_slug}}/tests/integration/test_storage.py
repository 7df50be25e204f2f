"""The real database keeps every promise of storage, and those that only a real one can break."""

import asyncio

import httpx2

from tests.support.api import DRAFT, URL, create
from tests.support.{{ cookiecutter.__entities }} import {{ cookiecutter.__Entity }}PagesSuite, {{ cookiecutter.__Entity }}StorageSuite


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
