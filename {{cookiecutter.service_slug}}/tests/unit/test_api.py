"""The resource over HTTP, as clients meet it."""

import asyncio
from typing import Any

import httpx2
import pytest

URL = "/v1/{{ cookiecutter.__resource }}"
DRAFT = {"reference": "A-1001", "quantity": 3}


async def create(client: httpx2.AsyncClient, **changes: Any) -> httpx2.Response:
    """A new one that the service accepted."""
    response = await client.post(URL, json=DRAFT | changes)
    assert response.status_code == 201
    return response


def problem(response: httpx2.Response) -> tuple[int, str]:
    """Status and kind of a problem document."""
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["correlation_id"] == response.headers["x-correlation-id"]
    return response.status_code, document["type"].rpartition(":")[2]


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


async def test_amends_only_what_is_named(client: httpx2.AsyncClient) -> None:
    url = (await create(client)).headers["location"]
    amended = await client.patch(url, json={"quantity": 5}, headers={"if-match": '"1"'})
    assert (amended.json()["reference"], amended.json()["quantity"], amended.json()["version"]) == ("A-1001", 5, 2)


@pytest.mark.parametrize(
    "change",
    [{}, {"quantity": None}, {"reference": None}, {"status": "confirmed"}, {"quantity": 0}],
)
async def test_refuses_amendments_that_make_no_sense(client: httpx2.AsyncClient, change: dict[str, Any]) -> None:
    url = (await create(client)).headers["location"]
    assert problem(await client.patch(url, json=change, headers={"if-match": "*"})) == (422, "invalid-request")


async def test_changes_need_the_version_the_caller_saw(client: httpx2.AsyncClient) -> None:
    url = (await create(client)).headers["location"]
    assert problem(await client.post(f"{url}/confirm")) == (428, "precondition-required")
    for stale in ('"7"', 'W/"1"', "garbage", "1", 'x"1"', '"1"x', '"01"', '"9999999999999999999999"'):
        refused = await client.post(f"{url}/confirm", headers={"if-match": stale})
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
async def test_names_every_input_it_refuses(client: httpx2.AsyncClient, draft: Any, pointers: set[str]) -> None:
    refused = await client.post(URL, json=draft)
    assert problem(refused) == (422, "invalid-request")
    assert {error["pointer"] for error in refused.json()["errors"]} == pointers


async def test_says_how_a_body_has_to_be_sent(client: httpx2.AsyncClient) -> None:
    refused = await client.post(URL, content=b'{"reference": "A", "quantity": 1}')
    assert problem(refused) == (422, "invalid-request")
    assert "Content-Type: application/json" in refused.json()["errors"][0]["detail"]


async def test_refuses_what_is_not_json(client: httpx2.AsyncClient) -> None:
    for content in (b"{", b"\xff", b"[" * 10_000):
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
    ids = [(await create(client)).json()["id"] for _ in range(5)]
    first = (await client.get(URL, params={"limit": 3})).json()
    rest = (await client.get(URL, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert sorted(item["id"] for item in first["items"] + rest["items"]) == sorted(ids)
    assert rest["next_cursor"] is None


async def test_lists_by_status(client: httpx2.AsyncClient) -> None:
    await create(client)
    url = (await create(client)).headers["location"]
    cancelled = (await client.post(f"{url}/cancel", headers={"if-match": "*"})).json()
    assert (await client.get(URL, params={"status": "cancelled"})).json()["items"] == [cancelled]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "status=lost", "cursor=%21", "cursor=QUFB"])
async def test_refuses_lists_that_make_no_sense(client: httpx2.AsyncClient, query: str) -> None:
    assert problem(await client.get(f"{URL}?{query}")) == (422, "invalid-request")


async def test_a_repeated_request_has_one_effect_and_one_answer(client: httpx2.AsyncClient) -> None:
    headers = {"idempotency-key": "0b7e"}
    first = await client.post(URL, json=DRAFT, headers=headers)
    again = await client.post(URL, json=dict(reversed(DRAFT.items())), headers=headers)
    assert (again.status_code, again.content, again.headers["etag"]) == (201, first.content, '"1"')
    assert again.headers["location"] == first.headers["location"]
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert len((await client.get(URL)).json()["items"]) == 1


async def test_a_repeated_command_answers_as_it_did_then(client: httpx2.AsyncClient) -> None:
    url = (await create(client)).headers["location"]
    headers = {"if-match": '"1"', "idempotency-key": "c0ffee"}
    first = await client.post(f"{url}/confirm", headers=headers)
    await client.post(f"{url}/cancel", headers={"if-match": "*"})
    again = await client.post(f"{url}/confirm", headers=headers)
    assert again.json() == first.json()
    assert again.json()["status"] == "confirmed"


@pytest.mark.parametrize("body", [b"garbage", b"[", b"\xff"])
async def test_a_command_without_a_body_minds_none(client: httpx2.AsyncClient, body: bytes) -> None:
    url = (await create(client)).headers["location"]
    headers = {"if-match": "*", "idempotency-key": "0b7e"}
    assert (await client.post(f"{url}/confirm", content=body, headers=headers)).status_code == 200
    assert "idempotency-replayed" in (await client.post(f"{url}/confirm", content=body, headers=headers)).headers


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
async def test_json_in_another_encoding_has_one_effect_too(client: httpx2.AsyncClient, encoding: str) -> None:
    headers = {"content-type": "application/json", "idempotency-key": "0b7e"}
    content = '{"reference": "A-1001", "quantity": 3}'.encode(encoding)
    answers = [await client.post(URL, content=content, headers=headers) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[0].status_code == 201


async def test_one_key_never_stands_for_two_requests(client: httpx2.AsyncClient) -> None:
    headers = {"idempotency-key": "0b7e"}
    created = await client.post(URL, json=DRAFT, headers=headers)
    other_body = await client.post(URL, json=DRAFT | {"quantity": 4}, headers=headers)
    other_path = await client.post(f"{created.headers['location']}/confirm", headers=headers | {"if-match": "*"})
    assert problem(other_body) == problem(other_path) == (422, "idempotency-key-reused")


async def test_a_refused_request_leaves_its_key_free(client: httpx2.AsyncClient) -> None:
    url = (await create(client)).headers["location"]
    key = {"idempotency-key": "0b7e"}
    assert problem(await client.post(f"{url}/confirm", headers=key | {"if-match": '"7"'}))[0] == 412
    assert (await client.post(f"{url}/confirm", headers=key | {"if-match": '"1"'})).status_code == 200


async def test_concurrent_twins_have_one_effect(client: httpx2.AsyncClient) -> None:
    headers = {"idempotency-key": "twins"}
    answers = await asyncio.gather(*(client.post(URL, json=DRAFT, headers=headers) for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert len((await client.get(URL)).json()["items"]) == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
async def test_refuses_keys_that_are_no_keys(client: httpx2.AsyncClient, key: str) -> None:
    refused = await client.post(URL, json=DRAFT, headers={"idempotency-key": key})
    assert problem(refused) == (422, "invalid-request")
