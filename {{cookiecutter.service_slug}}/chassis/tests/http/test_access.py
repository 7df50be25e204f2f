"""Around every request: correlation id, access log, metrics, unhandled errors."""

import json
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.http.application import Service
from chassis.testing.http import add_headers, problem, running
from tests.sample.api import URL

from .conftest import Lines
from .parcels import create_service

failing = APIRouter()


@failing.get("/failing")
async def fail() -> None:
    raise ZeroDivisionError("secret detail")


async def test_keeps_a_well_formed_correlation_id_and_replaces_others(client: httpx2.AsyncClient) -> None:
    kept = await client.get("/info", headers={"x-correlation-id": "call-7.a_B"})
    assert kept.headers["x-correlation-id"] == "call-7.a_B"
    for bad in ("", "a b", "x" * 129, "a\tb"):
        replaced = await client.get("/info", headers={"x-correlation-id": bad})
        assert replaced.headers["x-correlation-id"] not in ("", bad)


async def test_logs_one_line_per_request_and_none_for_probes(client: httpx2.AsyncClient, logged: Lines) -> None:
    await client.get(f"{URL}/not-an-id?token=hidden", headers={"x-correlation-id": "call-7"})
    await client.get("/health/live")
    [line] = logged()
    assert (line["event"], line["level"]) == ("request", "info")
    assert (line["route"], line["status"], line["correlation_id"]) == (URL + "/{id}", 422, "call-7")
    assert "hidden" not in str(line)


async def test_an_unhandled_error_is_logged_once_and_hidden_from_clients(logged: Lines) -> None:
    async with running(create_service(routers=[failing])) as client:
        response = await client.get("/failing")
    assert (response.status_code, response.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in response.text
    failed, request = logged()
    assert (failed["event"], request["event"], request["status"]) == ("request failed", "request", 500)
    assert "ZeroDivisionError" in json.dumps(failed)
    assert failed["correlation_id"] == response.json()["correlation_id"]


async def test_a_client_of_tests_raises_what_the_service_answers_with_500() -> None:
    service = add_headers(create_service(routers=[failing]), {"authorization": "Bearer of-the-test"})
    async with running(service, raise_errors=True) as client:
        with pytest.raises(ZeroDivisionError):
            await client.get("/failing")
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get("/nowhere")).status_code == 404


async def test_counts_requests_by_route_and_not_by_path(client: httpx2.AsyncClient) -> None:
    for number in range(50):
        await client.get(f"{URL}/{number}")
        await client.get(f"/nowhere/{number}")
    await client.request("BREW", "/nowhere")
    metrics = (await client.get("/metrics")).text
    assert 'http_requests_total{method="GET",route="' + URL + '/{id}",status="422"} 50.0' in metrics
    assert 'http_requests_total{method="GET",route="(unmatched)",status="404"} 50.0' in metrics
    assert 'http_requests_total{method="OTHER",route="(unmatched)",status="404"} 1.0' in metrics
    assert "/nowhere" not in metrics


async def test_a_thousand_paths_are_one_route(service: Service, client: httpx2.AsyncClient) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(_: object) -> None: ...

    for number in range(1_000):
        request = {"type": "http", "method": "GET", "path": f"/nowhere/{number}", "query_string": b"", "headers": []}
        await service.app(request, receive, send)
    samples = (await client.get("/metrics")).text.splitlines()
    counted = [each for each in samples if each.startswith("http_requests_total") and "(unmatched)" in each]
    assert counted == ['http_requests_total{method="GET",route="(unmatched)",status="404"} 1000.0']


async def test_a_draining_service_asks_clients_to_reconnect(service: Service) -> None:
    async with running(service) as client:
        assert "connection" not in (await client.get("/health/live")).headers
        service.lifecycle.draining = True
        assert (await client.get("/health/live")).headers["connection"] == "close"


async def test_middleware_of_the_service_is_the_innermost() -> None:
    seen: list[str] = []

    class Recording:
        def __init__(self, app: ASGIApp, name: str) -> None:
            self._app = app
            self._name = name

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                seen.append(f"{self._name} {scope['correlation_id']}")
            await self._app(scope, receive, send)

    service = create_service(middleware=[Middleware(Recording, name="outer"), Middleware(Recording, name="inner")])
    async with running(service) as client:
        await client.get("/info", headers={"x-correlation-id": "call-7"})
        refused = await client.post(URL, content=b" " * 70_000)
    assert refused.status_code == 413
    assert seen == ["outer call-7", "inner call-7"]


@pytest.mark.parametrize("header", [b"\xff", b"\xe2\x82"])
async def test_headers_that_are_not_text_are_no_failure(service: Service, header: bytes) -> None:
    headers = [(b"x-correlation-id", header), (b"if-match", header), (b"idempotency-key", b"0b7e")]
    async with running(service) as client:
        response = await client.post(f"{URL}/019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01/confirm", headers=headers)
    assert problem(response) == (400, "invalid-precondition")
