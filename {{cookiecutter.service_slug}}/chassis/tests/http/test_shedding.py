"""More requests than the process can do."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
from fastapi import APIRouter

from chassis.http.application import Service
from chassis.http.settings import HttpSettings
from chassis.testing.http import running
from tests.sample.api import URL

from .parcels import DRAFT, create_service


class Gate:
    """A route that answers once it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.entered = asyncio.Semaphore(0)

    def router(self) -> APIRouter:
        """Of that route."""
        router = APIRouter()

        @router.get("/v1/gate")
        async def wait() -> None:
            self.entered.release()
            await self.open.wait()

        return router


def narrow(gate: Gate, *, waiting: int, seconds: float) -> Service:
    """A service that handles two requests at once."""
    limits = {"max_concurrent_requests": 2, "max_waiting_requests": waiting, "max_wait_seconds": seconds}
    return create_service(routers=[gate.router()], settings=HttpSettings.model_validate(limits))


async def figure(client: httpx2.AsyncClient, name: str) -> float:
    """A figure of the service."""
    lines = (await client.get("/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


async def until(client: httpx2.AsyncClient, name: str, value: float) -> None:
    """Wait until a figure has reached a value."""
    async with asyncio.timeout(10):
        while await figure(client, name) < value:  # noqa: ASYNC110 - a figure has no event
            await asyncio.sleep(0.01)


async def test_what_exceeds_the_limits_is_refused_and_probes_are_answered() -> None:
    gate = Gate()
    async with running(narrow(gate, waiting=1, seconds=30)) as client, asyncio.TaskGroup() as group:
        accepted = [group.create_task(client.get("/v1/gate")) for _ in range(2)]
        for _ in accepted:
            await gate.entered.acquire()
        waiting = group.create_task(client.get(URL))
        await until(client, "http_requests_waiting", 1)
        refused = await client.get(URL)
        assert refused.status_code == 503
        assert refused.json()["type"] == "urn:problem-type:warehouse-service:overloaded"
        assert refused.headers["retry-after"] == "5"
        assert (await client.get("/health/ready")).status_code == 200
        assert await figure(client, "http_requests_shed_total") == 1
        gate.open.set()
        assert {(await each).status_code for each in (*accepted, waiting)} == {200}
        assert (await client.get(URL)).status_code == 200


async def test_a_request_waits_for_a_short_time_only() -> None:
    gate = Gate()
    async with running(narrow(gate, waiting=5, seconds=0.05)) as client, asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(client.get("/v1/gate"))
            await gate.entered.acquire()
        assert (await client.get(URL)).status_code == 503
        assert await figure(client, "http_requests_waiting") == 0
        gate.open.set()


async def test_a_client_that_sends_slowly_takes_no_place() -> None:
    gate = Gate()
    finish = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"reference": "A-1'
        await finish.wait()
        yield b'001", "quantity": 3}'

    async with running(narrow(gate, waiting=0, seconds=1)) as client, asyncio.TaskGroup() as group:
        headers = {"content-type": "application/json"}
        slow = [group.create_task(client.post(URL, content=slowly(), headers=headers)) for _ in range(4)]
        await until(client, "http_requests_in_flight", 5)  # with the one that asks
        assert (await client.post(URL, json=DRAFT)).status_code == 201
        finish.set()
        assert {(await each).status_code for each in slow} <= {201, 503}
        assert 201 in {(await each).status_code for each in slow}


async def test_a_body_that_is_too_large_is_refused_as_before() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1_024

    async with running(create_service()) as client:
        response = await client.post(URL, content=endless(), headers={"content-type": "application/json"})
    assert response.status_code == 413
