"""The pipeline for commands: one key, one effect, one response."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx2
import pytest
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.caller import Caller, acting_for
from chassis.database.memory import MemoryDatabase
from chassis.database.port import DatabaseTransaction
from chassis.errors import Interrupted, Unavailable
from chassis.testing.http import problem, running
from tests.sample.api import URL

from .parcels import DRAFT, DirectTransactions, create, create_service

T = TypeVar("T")
KEY = {"idempotency-key": "0b7e"}


class RepeatingTransactions(DirectTransactions):
    """Every first attempt is interrupted after its last statement."""

    async def run(self, step: Callable[[DatabaseTransaction], Awaitable[T]]) -> T:
        async def interrupted(transaction: DatabaseTransaction) -> T:
            await step(transaction)
            raise Interrupted("database", "a deadlock")

        with pytest.raises(Interrupted):
            await super().run(interrupted)
        return await super().run(step)


class UnavailableTransactions(DirectTransactions):
    """The database does not answer."""

    async def run(self, step: Callable[[DatabaseTransaction], Awaitable[T]]) -> T:
        del step
        raise Unavailable("database", "connection refused by 10.0.0.7")


async def test_a_repeated_request_has_one_effect_and_one_response(client: httpx2.AsyncClient) -> None:
    first = await client.post(URL, json=DRAFT, headers=KEY)
    again = await client.post(URL, json=dict(reversed(DRAFT.items())), headers=KEY)
    assert (again.status_code, again.content, again.headers["etag"]) == (201, first.content, '"1"')
    assert again.headers["location"] == first.headers["location"]
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert len((await client.get(URL)).json()["items"]) == 1


async def test_a_repeated_command_gets_its_first_response(client: httpx2.AsyncClient) -> None:
    url = await create(client)
    headers = KEY | {"if-match": '"1"'}
    first = await client.post(f"{url}/confirm", headers=headers)
    await client.post(f"{url}/cancel", headers={"if-match": "*"})
    again = await client.post(f"{url}/confirm", headers=headers)
    assert again.json() == first.json()
    assert again.json()["status"] == "confirmed"


async def test_a_retried_transaction_has_one_effect() -> None:
    database = MemoryDatabase()
    async with running(create_service(database=database, transactions=RepeatingTransactions(database))) as client:
        first = await client.post(URL, json=DRAFT, headers=KEY)
        assert first.status_code == 201
        assert (await client.post(URL, json=DRAFT, headers=KEY)).content == first.content
        assert len((await client.get(URL)).json()["items"]) == 1


async def test_an_unavailable_database_is_503_and_the_reason_stays_inside() -> None:
    database = MemoryDatabase()
    async with running(create_service(database=database, transactions=UnavailableTransactions(database))) as client:
        refused = await client.post(URL, json=DRAFT, headers=KEY)
    assert problem(refused) == (503, "dependency-unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert "10.0.0.7" not in refused.text


DEEP = b"[" * 600 + b"]" * 600


@pytest.mark.parametrize("body", [b"garbage", b"[", b"\xff", DEEP, b'"\\ud800"', b"9" * 5_000, b"1e999"])
async def test_a_command_without_a_body_accepts_any(client: httpx2.AsyncClient, body: bytes) -> None:
    url = await create(client)
    headers = KEY | {"if-match": "*"}
    assert (await client.post(f"{url}/confirm", content=body, headers=headers)).status_code == 200
    assert "idempotency-replayed" in (await client.post(f"{url}/confirm", content=body, headers=headers)).headers


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
async def test_json_in_another_encoding_has_one_effect_too(client: httpx2.AsyncClient, encoding: str) -> None:
    headers = KEY | {"content-type": "application/json"}
    content = '{"reference": "A-1001", "quantity": 3}'.encode(encoding)
    responses = [await client.post(URL, content=content, headers=headers) for _ in range(2)]
    assert responses[0].content == responses[1].content
    assert responses[0].status_code == 201


async def test_one_key_never_stands_for_two_requests(client: httpx2.AsyncClient) -> None:
    url = (await client.post(URL, json=DRAFT, headers=KEY)).headers["location"]
    for other in (
        await client.post(URL, json=DRAFT | {"quantity": 4}, headers=KEY),
        await client.post(f"{url}/confirm", headers=KEY | {"if-match": "*"}),
        await client.post(f"{URL}?dry_run=true", json=DRAFT, headers=KEY),
        await client.post(URL, json=DRAFT, headers=KEY | {"if-match": "*"}),
    ):
        assert problem(other) == (422, "idempotency-key-reused")


class Acting:
    """Each request is sent by the caller that one of its headers names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        subject = dict(scope.get("headers", ())).get(b"x-subject")
        with acting_for(Caller(subject.decode() if subject else None)):
            await self._app(scope, receive, send)


async def test_a_caller_never_gets_the_response_to_another_one() -> None:
    async with running(create_service(middleware=[Middleware(Acting)])) as client:
        first, other, again, nobody = [
            await client.post(URL, json=DRAFT, headers=KEY | headers)
            for headers in ({"x-subject": "alice"}, {"x-subject": "bob"}, {"x-subject": "alice"}, {})
        ]
    assert (first.status_code, again.content) == (201, first.content)
    assert problem(other) == problem(nobody) == (422, "idempotency-key-reused")


async def test_a_malformed_host_header_does_not_matter(client: httpx2.AsyncClient) -> None:
    created = await client.post(URL, json=DRAFT, headers=KEY | {"host": "[nowhere"})
    assert created.status_code == 201


async def test_a_refused_request_leaves_its_key_free(client: httpx2.AsyncClient) -> None:
    url = await create(client)
    assert problem(await client.post(f"{url}/confirm", headers=KEY | {"if-match": '"7"'}))[0] == 412
    assert (await client.post(f"{url}/confirm", headers=KEY | {"if-match": '"1"'})).status_code == 200


async def test_concurrent_repetitions_have_one_effect(client: httpx2.AsyncClient) -> None:
    responses = await asyncio.gather(*(client.post(URL, json=DRAFT, headers=KEY) for _ in range(10)))
    assert {each.status_code for each in responses} <= {201, 409}
    assert len({each.content for each in responses if each.status_code == 201}) == 1
    assert len((await client.get(URL)).json()["items"]) == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
async def test_refuses_malformed_keys(client: httpx2.AsyncClient, key: str) -> None:
    refused = await client.post(URL, json=DRAFT, headers={"idempotency-key": key})
    assert problem(refused) == (422, "invalid-request")
