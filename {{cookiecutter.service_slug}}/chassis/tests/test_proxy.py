"""A service behind a proxy that keeps its connections open: no request fails when one of both sides closes."""

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from random import uniform

import httpx2
import pytest

from chassis.testing.processes import TIMEOUT_SECONDS, running
from tests.http.parcels import DRAFT
from tests.sample.api import URL
from tests.support.nginx import program, proxying

COMMAND = [sys.executable, "-m", "tests.served", "serve"]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process finds this package."""
    program()
    monkeypatch.chdir(Path(__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))


async def post(url: str, clients: int, rounds: int, pause: tuple[float, float]) -> Counter[int]:
    """The statuses of POSTs by clients that pause together, each with a connection of its own.

    While the service is busy with the requests of some, its timers for the connections of others expire.
    """
    statuses = Counter[int]()
    pauses = [0.0, *(uniform(*pause) for _ in range(rounds - 1))]  # noqa: S311 - no secret

    async def send(client: httpx2.AsyncClient) -> None:
        for seconds in pauses:
            await asyncio.sleep(seconds)
            statuses[(await client.post(URL, json=DRAFT)).status_code] += 1

    limits = httpx2.Limits(max_connections=clients, max_keepalive_connections=clients, keepalive_expiry=3_600)
    async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=TIMEOUT_SECONDS) as client:
        await asyncio.gather(*(send(client) for _ in range(clients)))
    return statuses


async def test_no_request_meets_a_connection_that_the_service_closes(tmp_path: Path) -> None:
    """As with the defaults, a proxy keeps connections for a shorter time than the service; here in seconds."""
    with (
        running(COMMAND, HTTP_KEEP_ALIVE_SECONDS="2") as service,
        proxying(tmp_path, service.url(), keep_alive="1s") as nginx,
    ):
        assert await post(nginx.url, 40, 4, (0.95, 1.05)) == {201: 160}


@pytest.mark.long
async def test_no_request_of_a_thousand_meets_a_connection_that_the_service_closes(tmp_path: Path) -> None:
    """Pauses of the usual lengths of keep-alive: 5 seconds of servers, 60 of proxies."""
    with running(COMMAND) as service, proxying(tmp_path, service.url()) as nginx:
        assert await post(nginx.url, 100, 6, (4.9, 5.1)) == {201: 600}
        assert await post(nginx.url, 200, 2, (59, 61)) == {201: 400}


async def test_sigterm_behind_a_proxy_under_load_fails_no_request(tmp_path: Path) -> None:
    settings = {"SHUTDOWN_DRAIN_SECONDS": "1"}
    with running(COMMAND, **settings) as old, running(COMMAND, **settings) as new:
        urls = old.url(), new.url()
        with proxying(tmp_path, *urls) as nginx:
            ended = asyncio.Event()
            load = asyncio.gather(*(post_until(ended, nginx.url) for _ in range(4)))
            old.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(old.wait_for, '"draining"')
            nginx.lead_to(urls[1])  # as a balancer does that asks for readiness
            assert await asyncio.to_thread(old.process.wait, TIMEOUT_SECONDS) == 0
            ended.set()
            assert {status for statuses in await load for status in statuses} == {201}


async def post_until(ended: asyncio.Event, url: str) -> list[int]:
    """The statuses of POSTs without a pause."""
    statuses = []
    async with httpx2.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS) as client:
        while not ended.is_set():
            statuses.append((await client.post(URL, json=DRAFT)).status_code)
    return statuses
