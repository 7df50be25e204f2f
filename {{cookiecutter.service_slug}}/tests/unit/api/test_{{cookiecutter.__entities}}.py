"""The resource over HTTP, as clients use it."""

import asyncio
from typing import Any

import httpx2
import pytest
from chassis.http.application import Service
from chassis.testing.http import problem

from tests.support.api import AMENDMENT, DRAFT, URL, create


async def test_creates_and_reads(client: httpx2.AsyncClient) -> None:
    created = await create(client)
    body = created.json()
    assert body | DRAFT == body
    assert (body["status"], body["version"], created.headers["etag"]) == ("created", 1, '"1"')
    found = await client.get(created.headers["location"])
    assert (found.status_code, found.json(), found.headers["etag"]) == (200, body, '"1"')


async def test_confirms_then_cancels(client: httpx2.AsyncClient) -> None:
    url = (await create(client)).headers["location"]
    confirmed = await client.post(f"{url}/confirm", headers={"if-match": '"1"'})
    assert (confirmed.json()["status"], confirmed.headers["etag"]) == ("confirmed", '"2"')
    cancelled = await client.post(f"{url}/cancel", headers={"if-match": "*"})
    assert (cancelled.json()["status"], cancelled.headers["etag"]) == ("cancelled", '"3"')
    again = await client.post(f"{url}/confirm", headers={"if-match": "*"})
    assert problem(again) == (409, "invalid-transition")
    assert again.headers["etag"] == '"3"'


@pytest.mark.parametrize("field", AMENDMENT)
async def test_amends_only_the_fields_that_are_sent(client: httpx2.AsyncClient, field: str) -> None:
    created = await create(client)
    change = {field: AMENDMENT[field]}
    amended = await client.patch(created.headers["location"], json=change, headers={"if-match": '"1"'})
    assert amended.status_code == 200
    changed = {"version": 2, "updated_at": amended.json()["updated_at"]}
    assert amended.json() == created.json() | change | changed


@pytest.mark.parametrize(
    ("schema", "tried", "name"),
    [
        ("{{ cookiecutter.__Entity }}Draft", DRAFT, "DRAFT"),
        ("{{ cookiecutter.__Entity }}Amendment", AMENDMENT, "AMENDMENT"),
    ],
)
def test_every_field_of_a_request_is_tried(service: Service, schema: str, tried: dict[str, Any], name: str) -> None:
    fields = service.app.openapi()["components"]["schemas"][schema]["properties"].keys()
    assert tried.keys() == fields, f"give each field of {schema} a value in {name} of tests/support/api.py"


@pytest.mark.parametrize(
    "change",
    [{}, {"quantity": None}, {"reference": None}, {"status": "confirmed"}, {"quantity": 0}],
)
async def test_refuses_invalid_amendments(client: httpx2.AsyncClient, change: dict[str, Any]) -> None:
    url = (await create(client)).headers["location"]
    assert problem(await client.patch(url, json=change, headers={"if-match": "*"})) == (422, "invalid-request")


async def test_changes_need_the_version_that_the_client_saw(client: httpx2.AsyncClient) -> None:
    url = (await create(client)).headers["location"]
    assert problem(await client.post(f"{url}/confirm")) == (428, "precondition-required")
    unquoted = await client.post(f"{url}/confirm", headers={"if-match": "1"})
    assert problem(unquoted) == (400, "invalid-precondition")
    refused = await client.post(f"{url}/confirm", headers={"if-match": '"7"'})
    assert problem(refused) == (412, "version-conflict")
    assert refused.headers["etag"] == '"1"'
    assert (await client.post(f"{url}/confirm", headers={"if-match": '"7", "1"'})).status_code == 200


@pytest.mark.parametrize(
    ("draft", "pointers"),
    [
        ({}, {"/reference", "/quantity"}),
        ({"reference": "A", "quantity": "3"}, {"/quantity"}),
        ({"reference": "A", "quantity": 1.5}, {"/quantity"}),
        ({"reference": "A", "quantity": True}, {"/quantity"}),
        ({"reference": "A", "quantity": 1_000_001}, {"/quantity"}),
        ({"reference": "x" * 65, "quantity": 1}, {"/reference"}),
        ({"reference": "A\x00", "quantity": 1}, {"/reference"}),
        ({"reference": "A", "quantity": 1, "price": 2}, {"/price"}),
        ([], {""}),
    ],
)
async def test_names_every_input_that_it_refuses(client: httpx2.AsyncClient, draft: Any, pointers: set[str]) -> None:
    refused = await client.post(URL, json=draft)
    assert problem(refused) == (422, "invalid-request")
    assert {error["pointer"] for error in refused.json()["errors"]} == pointers


async def test_unknown_ids_and_methods_are_problems(client: httpx2.AsyncClient) -> None:
    missing = f"{URL}/019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01"
    assert problem(await client.get(missing)) == (404, "not-found")
    assert problem(await client.post(f"{missing}/confirm", headers={"if-match": "*"})) == (404, "not-found")
    assert problem(await client.get(f"{URL}/not-an-id")) == (422, "invalid-request")
    assert problem(await client.delete(URL)) == (405, "blank")
    assert (await client.put(missing)).headers["allow"] == "GET, PATCH"


async def test_lists_in_pages(client: httpx2.AsyncClient) -> None:
    ids = [(await create(client)).json()["id"] for _ in range(5)]
    first = (await client.get(URL, params={"limit": 3})).json()
    rest = (await client.get(URL, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == sorted(ids, reverse=True)
    assert rest["next_cursor"] is None


async def test_lists_by_status(client: httpx2.AsyncClient) -> None:
    await create(client)
    url = (await create(client)).headers["location"]
    cancelled = (await client.post(f"{url}/cancel", headers={"if-match": "*"})).json()
    assert (await client.get(URL, params={"status": "cancelled"})).json()["items"] == [cancelled]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "status=lost", "cursor=%21", "cursor=QUFB"])
async def test_refuses_invalid_queries(client: httpx2.AsyncClient, query: str) -> None:
    assert problem(await client.get(f"{URL}?{query}")) == (422, "invalid-request")


async def test_a_repeated_request_has_one_effect_and_one_response(client: httpx2.AsyncClient) -> None:
    headers = {"idempotency-key": "0b7e"}
    first = await client.post(URL, json=DRAFT, headers=headers)
    again = await client.post(URL, json=dict(reversed(DRAFT.items())), headers=headers)
    assert (again.status_code, again.content, again.headers["etag"]) == (201, first.content, '"1"')
    assert again.headers["location"] == first.headers["location"]
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert len((await client.get(URL)).json()["items"]) == 1


async def test_a_repeated_command_has_the_response_of_the_first(client: httpx2.AsyncClient) -> None:
    url = (await create(client)).headers["location"]
    headers = {"if-match": '"1"', "idempotency-key": "c0ffee"}
    first = await client.post(f"{url}/confirm", headers=headers)
    await client.post(f"{url}/cancel", headers={"if-match": "*"})
    again = await client.post(f"{url}/confirm", headers=headers)
    assert again.json() == first.json()
    assert again.json()["status"] == "confirmed"


async def test_one_key_never_stands_for_two_requests(client: httpx2.AsyncClient) -> None:
    headers = {"idempotency-key": "0b7e"}
    created = await client.post(URL, json=DRAFT, headers=headers)
    other_body = await client.post(URL, json=DRAFT | {"quantity": 4}, headers=headers)
    other_path = await client.post(f"{created.headers['location']}/confirm", headers=headers | {"if-match": "*"})
    assert problem(other_body) == problem(other_path) == (422, "idempotency-key-reused")


async def test_concurrent_repetitions_have_one_effect(client: httpx2.AsyncClient) -> None:
    headers = {"idempotency-key": "twins"}
    responses = await asyncio.gather(*(client.post(URL, json=DRAFT, headers=headers) for _ in range(10)))
    assert {response.status_code for response in responses} <= {201, 409}
    assert len({response.content for response in responses if response.status_code == 201}) == 1
    assert len((await client.get(URL)).json()["items"]) == 1
