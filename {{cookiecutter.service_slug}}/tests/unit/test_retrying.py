"""What the database breaks off is run again, within bounds, and nothing is told twice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from {{ cookiecutter.package_name }}.bootstrap import create_service
from {{ cookiecutter.package_name }}.config import load_settings
from {{ cookiecutter.package_name }}.domain.errors import Interrupted
from {{ cookiecutter.package_name }}.infrastructure.database.memory import MemoryDatabase, MemoryUnitOfWork

from ..conftest import running
from .test_api import DRAFT, URL


class BreakingDatabase(MemoryDatabase):
    """Breaks off a number of transactions just before they would commit."""

    def __init__(self, breaks: int) -> None:
        super().__init__()
        self.breaks = breaks

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryUnitOfWork]:
        async with super().begin() as work:
            yield work
            self.breaks -= 1
            if self.breaks >= 0:
                raise Interrupted("database", "deadlock")


@pytest.mark.parametrize("breaks", [1, 3])
async def test_runs_again_what_broke_off(breaks: int) -> None:
    database = BreakingDatabase(breaks)
    async with running(create_service(load_settings(), database)) as client:
        created = await client.post(URL, json=DRAFT, headers={"idempotency-key": "once"})
        assert (created.status_code, len(database.rows), len(database.answers)) == (201, 1, 1)
        metrics = (await client.get("/metrics")).text
    assert f"database_retries_total {breaks}.0" in metrics
    assert 'events_total{action="created"} 1.0' in metrics


async def test_gives_up_after_a_bound_and_stores_nothing() -> None:
    database = BreakingDatabase(1_000)
    async with running(create_service(load_settings(), database)) as client:
        refused = await client.post(URL, json=DRAFT)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (503, "dependency-unavailable")
    assert database.breaks == 1_000 - 4
    assert database.rows == {}
