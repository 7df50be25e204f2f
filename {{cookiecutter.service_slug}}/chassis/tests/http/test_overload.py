"""What exceeds the limits is refused by the server, before it costs a task."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import pytest

from chassis.http.application import Service
from chassis.http.shedding_protocol import REFUSAL_SECONDS
from tests.sample.api import URL

from .conftest import Lines
from .sockets import GET, PATIENCE_SECONDS, Answer, Listening, Socket, listening
from .test_shedding import Gate, narrow

AT_GATE = b"GET /v1/gate HTTP/1.1\r\nhost: service\r\n\r\n"
LIST = f"GET {URL} HTTP/1.1\r\nhost: service\r\n".encode()
POST = f"POST {URL} HTTP/1.1\r\nhost: service\r\ncontent-type: application/json\r\n".encode()
LIMITS = {"max_concurrent_requests": 2, "max_waiting_requests": 1, "max_wait_seconds": 30}


class Busy(NamedTuple):
    """A service whose places are taken, and one request waits."""

    server: Listening
    service: Service
    gate: Gate
    connections: list[Socket]


@asynccontextmanager
async def busy() -> AsyncIterator[Busy]:
    gate = Gate()
    service = narrow(gate, waiting=1, seconds=30)
    async with listening(service, **LIMITS) as server, AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(server.connected()) for _ in range(3)]
        for connection in connections:
            await connection.send(AT_GATE)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while service.lifecycle.load.waiting < 1:  # noqa: ASYNC110 - a number has no event
                await asyncio.sleep(0.005)
        try:
            yield Busy(server, service, gate, connections)
        finally:
            gate.open.set()


def assert_refused(answer: Answer) -> None:
    """The same document as that of the application."""
    assert answer.problem()["type"] == "urn:problem-type:warehouse-service:overloaded"
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_request_is_refused_and_its_connection_serves_the_next(logged: Lines) -> None:
    async with busy() as it, it.server.connected() as connection:
        for request in (
            LIST + b"\r\n",
            POST + b'content-length: 9\r\n\r\n{"a": "b"',
            POST + b"content-length: 0\r\n\r\n",
        ):
            await connection.send(request)
            answer = await connection.answer()
            assert_refused(answer)
            assert "x-correlation-id" not in answer.headers  # the application has not seen it
        await connection.send(POST + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n")
        assert_refused(await connection.answer())
        await connection.send(b"1\r\n}\r\n0\r\n\r\n" + GET)
        assert (await connection.answer()).status == 200
        assert await it.server.figure("http_requests_shed_total") == 4
        assert await it.server.figure('http_requests_total{method="POST",route="(unmatched)",status="503"}') == 3
        it.gate.open.set()
        assert [(await each.answer()).status for each in it.connections] == [200, 200, 200]
        await connection.send(LIST + b"\r\n")
        assert (await connection.answer()).status == 200
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (lines := [line for line in logged() if line["event"] == "requests shed"]):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
    assert sum(line["count"] for line in lines) == 4


@pytest.mark.parametrize("header", ["origin: https://shop.example.com", "connection: close"])
async def test_the_application_refuses_what_needs_more_than_a_constant(header: str) -> None:
    async with busy() as it:
        answer = await it.server.exchange(LIST + header.encode() + b"\r\n\r\n")
        assert answer.problem()["type"] == "urn:problem-type:warehouse-service:overloaded"
        assert "x-correlation-id" in answer.headers


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
async def test_probes_are_answered(path: str) -> None:
    async with busy() as it:
        assert (await it.server.exchange(GET.replace(b"/health/live", path.encode()))).status == 200


async def test_requests_that_arrive_together_are_counted_before_any_is_handled() -> None:
    gate = Gate()
    service = narrow(gate, waiting=1, seconds=30)
    async with listening(service, **LIMITS) as server, AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(server.connected()) for _ in range(20)]
        for connection in connections:
            connection.writer.write(AT_GATE)
        answers = [asyncio.create_task(connection.answer()) for connection in connections]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while sum(answer.done() for answer in answers) < 17:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)
        assert service.lifecycle.load.handled == 2
        gate.open.set()
        statuses = [(await answer).status for answer in answers]
        assert (statuses.count(200), statuses.count(503)) == (3, 17)
        assert (service.lifecycle.load.arriving, service.lifecycle.load.handled) == (0, 0)


async def test_a_client_that_tries_again_at_once_is_held_up() -> None:
    async with busy() as it, it.server.connected() as connection:
        begun = asyncio.get_running_loop().time()
        for _ in range(3):
            await connection.send(LIST + b"\r\n")
            assert_refused(await connection.answer())
        assert asyncio.get_running_loop().time() - begun >= 3 * REFUSAL_SECONDS


async def test_a_client_that_does_not_wait_for_its_refusal_loses_its_connection() -> None:
    async with busy() as it, it.server.connected() as connection:
        await connection.send((LIST + b"\r\n") * 3)
        assert_refused(await connection.answer())
        assert await connection.closed()
        assert it.service.lifecycle.load.arriving == 0


async def test_requests_in_a_row_on_a_connection_that_ends_are_forgotten() -> None:
    async with busy() as it:
        it.gate.open.set()
        async with it.server.connected() as connection:
            await connection.send((LIST + b"\r\n") * 50)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while it.service.lifecycle.load.arriving or it.server.connections > 3:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)


async def test_fewer_may_wait_while_requests_take_long() -> None:
    gate = Gate()
    service = narrow(gate, waiting=1_000, seconds=0.2)
    load = service.lifecycle.load
    async with listening(service) as server, asyncio.TaskGroup() as group:
        await server.exchange(LIST + b"\r\n")
        assert load.limit > 20
        slow = [group.create_task(server.exchange(AT_GATE)) for _ in range(2)]
        for _ in slow:
            await gate.entered.acquire()
        await asyncio.sleep(2)  # as long as they take
        gate.open.set()
        assert {(await each).status for each in slow} == {200}
        assert 2 < load.limit < 10
        for _ in range(100):
            await server.exchange(LIST + b"\r\n")
        assert load.limit > 20
