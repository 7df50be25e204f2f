"""A running service for each test."""

import io
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest

from chassis.http.application import Service
from chassis.telemetry.logs import configure_logging

from .parcels import IDENTITY, create_service, running

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def service() -> Service:
    """The service, not started."""
    return create_service()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx2.AsyncClient]:
    """Sends requests to the started service."""
    async with running(service) as started:
        yield started


@pytest.fixture
def logged() -> Iterator[Lines]:
    """Logs are set up as in production; returns the lines so far, without those of the test's own client."""
    stream = io.StringIO()
    configure_logging("info", "json", stream, identity=IDENTITY, environment="local")

    def lines() -> list[dict[str, Any]]:
        parsed = map(json.loads, stream.getvalue().splitlines())
        return [line for line in parsed if not line["logger"].startswith("http")]

    yield lines
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)
