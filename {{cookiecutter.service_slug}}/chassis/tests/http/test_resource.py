"""A resource over HTTP, as clients meet it: preconditions, problem documents, pages."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from chassis.http.application import Service
from chassis.testing.http import problem, serving
from tests.sample.api import URL

from .parcels import DRAFT, create

ABORTED = 60


async def test_creates_and_reads(client: httpx2.AsyncClient) -> None:
    created = await client.post(URL, json=DRAFT)
    body = created.json()
    assert body | DRAFT == body
    assert (created.status_code, body["version"], created.headers["etag"]) == (201, 1, '"1"')
    found = await client.get(created.headers["location"])
    assert (found.status_code, found.json(), found.headers["etag"]) == (200, body, '"1"')


async def test_commands_change_status_and_version(client: httpx2.AsyncClient) -> None:
    url = await create(client)
    confirmed = await client.post(f"{url}/confirm", headers={"if-match": '"1"'})
    assert (confirmed.json()["status"], confirmed.headers["etag"]) == ("confirmed", '"2"')
    cancelled = await client.post(f"{url}/cancel", headers={"if-match": "*"})
    assert (cancelled.json()["status"], cancelled.headers["etag"]) == ("cancelled", '"3"')
    again = await client.post(f"{url}/confirm", headers={"if-match": "*"})
    assert problem(again) == (409, "invalid-transition")
    assert again.headers["etag"] == '"3"'


async def test_changes_need_the_version_that_the_client_saw(client: httpx2.AsyncClient) -> None:
    url = await create(client)
    assert problem(await client.post(f"{url}/confirm")) == (428, "precondition-required")
    for stale in ('"7"', '"garbage"', '"01"', '"9999999999999999999999"', 'W/"1", "7"', '""'):
        refused = await client.post(f"{url}/confirm", headers={"if-match": stale})
        assert problem(refused) == (412, "version-conflict")
        assert refused.headers["etag"] == '"1"'
    assert (await client.post(f"{url}/confirm", headers={"if-match": '"7", "1"'})).status_code == 200


@pytest.mark.parametrize("malformed", ["1", 'W/"1"', 'W/"1", W/"2"', "garbage", "", 'x"1"', '"1"x', '"1" "2"', '"1'])
async def test_a_precondition_that_can_never_match_is_no_conflict(client: httpx2.AsyncClient, malformed: str) -> None:
    url = await create(client)
    refused = await client.post(f"{url}/confirm", headers={"if-match": malformed})
    assert problem(refused) == (400, "invalid-precondition")
    assert refused.json()["detail"] == (
        'If-Match must be an ETag as it was received, such as "2"; a weak ETag never matches'
    )
    assert "etag" not in refused.headers


@pytest.mark.parametrize(
    ("draft", "pointers"),
    [
        ({}, {"/reference", "/quantity"}),
        ({"reference": "A", "quantity": "3"}, {"/quantity"}),
        ({"reference": "A", "quantity": True}, {"/quantity"}),
        ({"reference": "A", "quantity": 1_000_001}, {"/quantity"}),
        ({"reference": "x" * 65, "quantity": 1}, {"/reference"}),
        ({"reference": "A", "quantity": 1, "a/b~c": 2}, {"/a~1b~0c"}),
        ([], {""}),
    ],
)
async def test_names_every_refused_input(client: httpx2.AsyncClient, draft: Any, pointers: set[str]) -> None:
    refused = await client.post(URL, json=draft)
    assert problem(refused) == (422, "invalid-request")
    assert {error["pointer"] for error in refused.json()["errors"]} == pointers


async def test_a_value_that_the_domain_refuses_is_an_invalid_request(client: httpx2.AsyncClient) -> None:
    refused = await client.post(URL, json=DRAFT | {"reference": "A\x00"})
    assert problem(refused) == (422, "invalid-request")
    assert refused.json()["detail"] == "reference must be 1 to 64 visible characters"


async def test_explains_how_to_send_a_body(client: httpx2.AsyncClient) -> None:
    refused = await client.post(URL, content=b'{"reference": "A", "quantity": 1}')
    assert problem(refused) == (422, "invalid-request")
    assert "Content-Type: application/json" in refused.json()["errors"][0]["detail"]


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 10_000, b'{"\\ud800": 1}', b'{"quantity": ' + b"9" * 5_000])
async def test_malformed_json_is_refused(client: httpx2.AsyncClient, content: bytes) -> None:
    refused = await client.post(URL, content=content, headers={"content-type": "application/json"})
    assert refused.status_code in (400, 422)
    assert problem(refused)


async def test_unknown_ids_paths_and_methods_are_problems_too(client: httpx2.AsyncClient) -> None:
    missing = f"{URL}/019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01"
    assert problem(await client.get(missing)) == (404, "not-found")
    assert problem(await client.post(f"{missing}/confirm", headers={"if-match": "*"})) == (404, "not-found")
    assert problem(await client.get(f"{URL}/not-an-id")) == (422, "invalid-request")
    assert problem(await client.get("/nowhere")) == (404, "blank")
    assert problem(await client.delete(URL)) == (405, "blank")
    assert (await client.delete(URL)).headers["allow"] == "GET, POST"
    assert (await client.put(missing)).headers["allow"] == "GET, PATCH"


async def test_lists_in_pages(client: httpx2.AsyncClient) -> None:
    urls = [await create(client) for _ in range(5)]
    first = (await client.get(URL, params={"limit": 3})).json()
    rest = (await client.get(URL, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [f"{URL}/{item['id']}" for item in first["items"] + rest["items"]] == urls[::-1]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "status=lost", "cursor=%21", "cursor=QUFB"])
async def test_refuses_invalid_queries(client: httpx2.AsyncClient, query: str) -> None:
    assert problem(await client.get(f"{URL}?{query}")) == (422, "invalid-request")


async def test_requests_of_clients_that_went_away_are_done_once_or_not_at_all(service: Service) -> None:
    content = json.dumps(DRAFT)
    async with serving(service) as client:
        for number in range(ABORTED):
            request = (
                f"POST {URL} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\nidempotency-key: k{number}\r\n"
                f"content-length: {len(content)}\r\n\r\n{content}"
            ).encode()
            _, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
            writer.write(request[: len(request) - number % 3 * 20])  # whole, without its end, without its content
            for _ in range(number % 10):
                await asyncio.sleep(0)
            writer.transport.abort()
        for number in range(ABORTED):
            headers = {"idempotency-key": f"k{number}"}
            assert (await client.post(URL, json=DRAFT, headers=headers)).status_code == 201
        page = await client.get(URL, params={"limit": 100})
        assert len(page.json()["items"]) == ABORTED
