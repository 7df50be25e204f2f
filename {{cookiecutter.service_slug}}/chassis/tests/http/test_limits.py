"""Limits of a request: time and size."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
from fastapi import APIRouter

from chassis.testing.http import problem, running
from tests.sample.api import URL

from .parcels import create_service

hanging = APIRouter()


@hanging.get("/hanging")
async def hang() -> None:
    await asyncio.Event().wait()


async def test_a_request_that_takes_too_long_is_503() -> None:
    async with running(create_service(routers=[hanging], timeout_seconds=0.05)) as client:
        response = await client.get("/hanging")
    assert problem(response) == (503, "request-timeout")
    assert int(response.headers["retry-after"]) > 0


async def test_a_body_that_is_too_large_is_413(client: httpx2.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1024

    for body in (b" " * 70_000, chunks()):
        response = await client.post(URL, content=body, headers={"content-type": "application/json"})
        assert problem(response) == (413, "blank")
