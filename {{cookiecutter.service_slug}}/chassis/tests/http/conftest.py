"""A running service for each test."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest

from chassis.http.application import Service
from chassis.testing.http import running
from tests.support.logs import log_output, parsed

from .parcels import create_service

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
    with log_output() as stream:
        yield lambda: [line for line in parsed(stream) if not line["logger"].startswith("http")]
