"""What happens around every request: correlation, limits, logs, metrics, the last resort."""

import asyncio
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest

from {{ cookiecutter.package_name }}.bootstrap import Service, create_service
from {{ cookiecutter.package_name }}.config import load_settings
from {{ cookiecutter.package_name }}.infrastructure.database.memory import MemoryDatabase
from {{ cookiecutter.package_name }}.infrastructure.telemetry.logging import configure_logging

from ..conftest import running

URL = "/v1/{{ cookiecutter.__resource }}"


class BrokenDatabase(MemoryDatabase):
    """Fails in a way nobody foresaw."""

    async def page(self, *_: Any) -> Any:
        raise ZeroDivisionError("secret detail")


class SlowDatabase(MemoryDatabase):
    """Does not come back."""

    async def page(self, *_: Any) -> Any:
        await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    """The output that a test logs to is closed after it."""
    yield
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


def logging_to(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """Log as in production from here on; the result gives the lines so far, without those of the test's own client."""
    configure_logging("info", "json", service="{{ cookiecutter.service_slug }}")

    def lines() -> list[dict[str, Any]]:
        parsed = map(json.loads, capsys.readouterr().out.splitlines())
        return [line for line in parsed if not line["logger"].startswith("http")]

    return lines


async def test_keeps_a_well_formed_correlation_id_and_replaces_others(client: httpx2.AsyncClient) -> None:
    kept = await client.get("/info", headers={"x-correlation-id": "call-7.a_B"})
    assert kept.headers["x-correlation-id"] == "call-7.a_B"
    for bad in ("", "a b", "x" * 129, "a\tb"):
        replaced = await client.get("/info", headers={"x-correlation-id": bad})
        assert replaced.headers["x-correlation-id"] not in ("", bad)


async def test_writes_one_line_a_request(client: httpx2.AsyncClient, capsys: pytest.CaptureFixture[str]) -> None:
    lines = logging_to(capsys)
    await client.get(f"{URL}/not-an-id?token=hidden", headers={"x-correlation-id": "call-7"})
    await client.get("/health/live")
    [line] = lines()
    assert (line["event"], line["level"]) == ("request", "info")
    assert line["service"] == "{{ cookiecutter.service_slug }}"
    assert (line["route"], line["status"], line["correlation_id"]) == (URL + "/{id}", 422, "call-7")
    assert "hidden" not in str(line)


def test_libraries_log_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    lines = logging_to(capsys)
    logging.getLogger("some.library").warning("careful: %s", 42)
    [line] = lines()
    assert (line["event"], line["level"], line["logger"]) == ("careful: 42", "warning", "some.library")


async def test_an_unforeseen_error_is_logged_once_and_not_told_to_callers(capsys: pytest.CaptureFixture[str]) -> None:
    service = create_service(load_settings(), BrokenDatabase())
    lines = logging_to(capsys)
    async with running(service) as client:
        response = await client.get(URL)
    assert response.status_code == 500
    assert "secret" not in response.text
    failed, request = lines()
    assert "ZeroDivisionError" in json.dumps(failed)
    assert request["status"] == 500
    assert failed["correlation_id"] == response.json()["correlation_id"]


async def test_a_request_may_not_take_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_TIMEOUT_SECONDS", "0.05")
    async with running(create_service(load_settings(), SlowDatabase())) as client:
        response = await client.get(URL)
    assert (response.status_code, response.json()["type"].rpartition(":")[2]) == (503, "request-timeout")
    assert int(response.headers["retry-after"]) > 0


async def test_a_body_may_not_be_too_large(client: httpx2.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1024

    for body in (b" " * 70_000, chunks()):
        response = await client.post(URL, content=body, headers={"content-type": "application/json"})
        assert response.status_code == 413
        assert response.headers["content-type"] == "application/problem+json"


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


async def test_ten_thousand_paths_are_one_route(service: Service, client: httpx2.AsyncClient) -> None:
    configure_logging("error", "json")  # or most of the time goes into lines

    async def nothing_to_receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def nobody_listens(_: object) -> None: ...

    for number in range(10_000):
        request = {"type": "http", "method": "GET", "path": f"/nowhere/{number}", "query_string": b"", "headers": []}
        await service.app(request, nothing_to_receive, nobody_listens)
    samples = (await client.get("/metrics")).text.splitlines()
    counted = [each for each in samples if each.startswith("http_requests_total") and "(unmatched)" in each]
    assert counted == ['http_requests_total{method="GET",route="(unmatched)",status="404"} 10000.0']
    assert len(samples) < 500


async def test_counts_events_and_tells_how_old_what_they_happened_to_was(client: httpx2.AsyncClient) -> None:
    created = await client.post(URL, json={"reference": "A", "quantity": 1})
    await client.post(f"{URL}/{created.json()['id']}/confirm", headers={"if-match": "*"})
    metrics = (await client.get("/metrics")).text
    for sample in (
        '{{ cookiecutter.__entity }}_events_total{action="created"} 1.0',
        '{{ cookiecutter.__entity }}_events_total{action="cancelled"} 0.0',
        '{{ cookiecutter.__entity }}_age_seconds_bucket{action="confirmed",le="1.0"} 1.0',
        '{{ cookiecutter.__entity }}_age_seconds_count{action="cancelled"} 0.0',
    ):
        assert sample in metrics


async def test_tells_what_is_running_and_what_it_has(client: httpx2.AsyncClient) -> None:
    metrics = (await client.get("/metrics")).text
    assert 'dependency_up{dependency="database"} 1.0' in metrics
    for sample in ("service_build_info{", "database_pool_limit", "process_resident_memory_bytes"):
        assert sample in metrics


async def test_a_blocked_event_loop_shows(client: httpx2.AsyncClient) -> None:
    await asyncio.sleep(0)  # the measuring begins
    time.sleep(0.8)  # noqa: ASYNC251 - the fault that is to be seen
    await asyncio.sleep(0.01)
    # More than once: whatever was due meanwhile came too late.
    assert lag_above(0.25, (await client.get("/metrics")).text) >= 2


def lag_above(seconds: float, metrics: str) -> float:
    """How often the event loop was late by more than this."""
    found = dict(re.findall(r'event_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)', metrics))
    return float(found["+Inf"]) - float(found[str(seconds)])


async def test_a_draining_service_asks_clients_to_go(service: Service) -> None:
    async with running(service) as client:
        assert "connection" not in (await client.get("/health/live")).headers
        service.lifecycle.draining = True
        assert (await client.get("/health/live")).headers["connection"] == "close"
