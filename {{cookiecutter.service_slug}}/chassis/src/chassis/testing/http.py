"""A service within the test's process: started as its server would start it, with requests that need no network."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from ..http.application import Service
from ..http.server import create_server
from ..http.settings import HttpSettings, ShutdownSettings

TIMEOUT_SECONDS = 20


@asynccontextmanager
async def running(service: Service, *, raise_errors: bool = False) -> AsyncIterator[httpx2.AsyncClient]:
    """Start a service inside the block; yields a client of it.

    Args:
        service: not started yet.
        raise_errors: an unexpected error, which the service answers with 500, is also raised where the test sends the
            request: the test then fails with its message instead of a status.
    """
    transport = httpx2.ASGITransport(app=_raising(service.app) if raise_errors else service.app)
    async with (
        service.app.router.lifespan_context(service.app),
        httpx2.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        yield client


@asynccontextmanager
async def serving(service: Service, http: HttpSettings | None = None) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve on a free port inside the block, with the server that processes use; SIGTERM stops it.

    Args:
        service: not started yet.
        http: other settings than the defaults; their port has to be 0.
    """
    http = http or HttpSettings(port=0)
    server = create_server(service.app, service.lifecycle, http, ShutdownSettings(drain_seconds=0))
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not server.started:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await task


def add_headers(service: Service, headers: Mapping[str, str]) -> Service:
    """Give each request these headers, such as credentials, unless it brings others of these names.

    Args:
        service: not started yet.
        headers: by name, in lower case.
    """
    service.app.add_middleware(_DefaultHeaders, headers=headers)
    return service


class _DefaultHeaders:
    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = {name for name, _ in scope["headers"]}
            more = [each for each in self._headers if each[0] not in given]
            # In place: what the service notes in the scope is read by its caller, such as `running`.
            scope["headers"] = [*scope["headers"], *more]
        await self._app(scope, receive, send)


def _raising(app: ASGIApp) -> ASGIApp:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)
        if "error" in scope:
            raise scope["error"]

    return call


def problem(response: httpx2.Response) -> tuple[int, str]:
    """Status and kind of a problem document; fails if the response is not one."""
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["correlation_id"] == response.headers["x-correlation-id"]
    return response.status_code, document["type"].rpartition(":")[2]
