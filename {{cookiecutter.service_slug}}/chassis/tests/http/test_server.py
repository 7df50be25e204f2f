"""A real server: how it drains, and what it logs."""

import asyncio
import logging
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from fastapi import APIRouter, FastAPI

from chassis.http.application import Service
from chassis.http.lifecycle import Lifecycle
from chassis.http.server import CannotListen, DrainingServer, create_server, serve
from chassis.http.settings import HttpSettings, ShutdownSettings
from tests.sample.api import URL

from .conftest import Lines
from .parcels import DRAFT, create_service

PATIENCE_SECONDS = 20


class Running:
    """A server in this process and a client of it."""

    def __init__(self, server: DrainingServer, client: httpx2.AsyncClient, stopped: asyncio.Task[None]) -> None:
        self.server = server
        self.client = client
        self.stopped = stopped


@asynccontextmanager
async def serving(service: Service, drain_seconds: float = 0) -> AsyncIterator[Running]:
    """Serve inside the block; SIGTERM stops it."""
    settings = HttpSettings(host="127.0.0.1", port=0), ShutdownSettings(drain_seconds=drain_seconds, grace_seconds=10)
    server = create_server(service.app, service.lifecycle, *settings)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_SECONDS) as client:
            yield Running(server, client, task)
    finally:
        if not task.done():
            os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await task


async def draining(lifecycle: Lifecycle) -> None:
    """Wait for the signal to arrive."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not lifecycle.draining:  # noqa: ASYNC110 - set by a signal handler
            await asyncio.sleep(0.001)


async def test_on_sigterm_it_is_not_ready_and_still_answers(service: Service, logged: Lines) -> None:
    async with serving(service, drain_seconds=60) as running:
        assert (await running.client.get("/health/ready")).status_code == 200
        os.kill(os.getpid(), signal.SIGTERM)
        await draining(service.lifecycle)
        assert (await running.client.get("/health/ready")).json()["status"] == "draining"
        assert (await running.client.post(URL, json=DRAFT)).status_code == 201
        os.kill(os.getpid(), signal.SIGTERM)  # skips the rest of the pause
        await asyncio.wait_for(running.stopped, PATIENCE_SECONDS)
    [line] = [line for line in logged() if line["event"] == "draining"]
    assert (line["signal"], line["pause_seconds"]) == ("SIGTERM", 60)


async def test_requests_in_flight_are_answered_before_it_stops() -> None:
    arrived, proceed = asyncio.Event(), asyncio.Event()
    router = APIRouter()

    @router.get("/slow")
    async def slow() -> str:
        arrived.set()
        await proceed.wait()
        return "done"

    service = create_service(routers=[router])
    async with serving(service) as running:
        response = asyncio.create_task(running.client.get("/slow"))
        await asyncio.wait_for(arrived.wait(), PATIENCE_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        await draining(service.lifecycle)
        assert not running.stopped.done()
        proceed.set()
        assert (await response).json() == "done"
        await asyncio.wait_for(running.stopped, PATIENCE_SECONDS)


async def test_ctrl_c_skips_the_pause(service: Service) -> None:
    async with serving(service, drain_seconds=60) as running:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(running.stopped, PATIENCE_SECONDS)


async def test_a_signal_changes_the_log_level_while_it_serves(service: Service, logged: Lines) -> None:
    async with serving(service) as running:
        os.kill(os.getpid(), signal.SIGUSR1)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while logging.getLogger().level != logging.DEBUG:
                await running.client.get("/health/live")
    changes = [(line["new_level"], line.get("by")) for line in logged() if line["event"] == "log level changed"]
    assert changes == [("debug", None), ("info", "end")]


async def test_logs_name_neither_clients_nor_their_data(service: Service, logged: Lines) -> None:
    async with serving(service) as running:
        os.kill(os.getpid(), signal.SIGUSR1)
        for quantity in (3, "hidden"):
            body = {"reference": "customer", "quantity": quantity}
            headers = {"authorization": "hidden", "cookie": "hidden"}
            await running.client.post(f"{URL}?from=hidden", json=body, headers=headers)
        await running.client.get(f"{URL}?cursor=hidden")
        upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
        await running.client.get("/nothing?hidden", headers=upgrade | {"sec-websocket-key": "aGlkZGVuaGlkZGVuaGk="})
    assert {"request", "request refused"} <= {line["event"] for line in logged()}
    lines = [line for line in logged() if not line["event"].startswith("Uvicorn running on")]
    assert not re.search(r"hidden|customer|127\.0\.0\.1", str(lines))


async def test_a_start_that_fails_is_one_error_and_no_start(logged: Lines) -> None:
    @asynccontextmanager
    async def failing(app: FastAPI) -> AsyncIterator[None]:
        if app.title:
            raise ZeroDivisionError("at the start")
        yield

    app = FastAPI(lifespan=failing)
    server = create_server(app, Lifecycle(), HttpSettings(port=0), ShutdownSettings())
    with pytest.raises(SystemExit):
        await server.serve()
    assert not server.started
    [line] = [line for line in logged() if "exception" in line]
    assert line["exception"][0]["exc_value"] == "at the start"
    assert "Traceback" not in str(line)


def test_an_address_that_cannot_be_listened_on_is_reported_before_anything_is_opened(service: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        with pytest.raises(CannotListen, match=f"^{port} is in use on 127.0.0.1$"):
            serve(service.app, service.lifecycle, HttpSettings(port=port), ShutdownSettings())
    with pytest.raises(CannotListen, match=r"^8000 cannot be listened on at 192\.0\.2\.1: Cannot assign requested"):
        serve(service.app, service.lifecycle, HttpSettings(host="192.0.2.1"), ShutdownSettings())
    with pytest.raises(CannotListen, match=r"at nowhere\.invalid: "):
        serve(service.app, service.lifecycle, HttpSettings(host="nowhere.invalid"), ShutdownSettings())
    with pytest.raises(CannotListen, match=r"is not a host$"):
        serve(service.app, service.lifecycle, HttpSettings(host="x" * 64), ShutdownSettings())


def test_an_application_that_cannot_start_does_not_end_the_process() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.never_set()
        yield

    assert not serve(FastAPI(lifespan=lifespan), Lifecycle(), HttpSettings(port=0), ShutdownSettings())


def test_without_uvloop_it_serves_on_the_loop_of_the_standard_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    server = create_server(FastAPI(), Lifecycle(), HttpSettings(), ShutdownSettings())
    factory = server.config.get_loop_factory()
    loop = factory() if factory else asyncio.new_event_loop()
    loop.close()
    assert type(loop).__module__.startswith("asyncio.")
