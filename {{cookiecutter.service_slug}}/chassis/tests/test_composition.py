"""A composition root on a Process: the order of start and end, checks, metrics, the pipeline for commands."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import httpx2
import pytest
from fastapi import APIRouter

from chassis.database.memory import MemoryDatabase
from chassis.domain import DomainError
from chassis.errors import Unavailable
from chassis.http.application import Service
from chassis.http.problems import ProblemKind
from chassis.http.settings import HttpSettings, IdempotencySettings, ReadinessSettings, ShutdownSettings
from chassis.identity import utc_now
from chassis.process import Process
from chassis.settings import Environment, ServiceSettings
from chassis.testing.http import problem, running
from tests.http.parcels import DRAFT, IDENTITY, DirectTransactions
from tests.sample.api import URL, create_router
from tests.sample.domain.parcels import DECISIONS, EVENTS
from tests.sample.storage.memory import MemoryParcels

KEPT_HOURS = 2


@dataclass(frozen=True)
class Settings:
    """The defaults, where responses are kept for a short time."""

    service: ServiceSettings = field(default_factory=ServiceSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    readiness: ReadinessSettings = field(default_factory=ReadinessSettings)
    idempotency: IdempotencySettings = field(default_factory=lambda: IdempotencySettings(retention_hours=KEPT_HOURS))
    shutdown: ShutdownSettings = field(default_factory=ShutdownSettings)


class ObservedDatabase(MemoryDatabase):
    """Records what is done with it, and is away until a test changes that."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        self.away = True
        self.purged_before: asyncio.Future[datetime] = asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        self.done.append("open")

    async def close(self) -> None:
        self.done.append("close")

    async def check(self) -> None:
        if self.away:
            raise Unavailable("database", "cannot be reached")

    async def purge_idempotency_keys(self, before: datetime) -> int:
        self.purged_before.set_result(before)
        return await super().purge_idempotency_keys(before)


@pytest.fixture
async def database() -> ObservedDatabase:
    """The database of the process."""
    return ObservedDatabase()


@pytest.fixture
def process(database: ObservedDatabase) -> Process:
    """A process with a database."""
    process = Process(IDENTITY, Settings())
    process.use_database(database, EVENTS, DECISIONS)
    return process


@pytest.fixture
async def client(process: Process, database: ObservedDatabase) -> AsyncIterator[httpx2.AsyncClient]:
    """Sends requests to its API."""
    async with running(process.create_api([create_router(process.commands, MemoryParcels(database))])) as client:
        yield client


async def test_is_ready_and_started_once_its_database_answers(
    client: httpx2.AsyncClient, database: ObservedDatabase
) -> None:
    refused = await client.get("/health/ready")
    assert (refused.status_code, refused.json()["checks"]) == (503, {"database": "cannot be reached"})
    assert (await client.get("/health/startup")).status_code == 503
    database.away = False
    for path in ("/health/ready", "/health/startup"):
        assert (await client.get(path)).status_code == 200
    assert (await client.get("/info")).json()["dependencies"] == {"database": "in-memory"}


async def test_its_commands_are_counted_and_stored(client: httpx2.AsyncClient) -> None:
    created = await client.post(URL, json=DRAFT, headers={"idempotency-key": "0b7e"})
    again = await client.post(URL, json=DRAFT, headers={"idempotency-key": "0b7e"})
    assert (again.content, again.headers["idempotency-replayed"]) == (created.content, "true")
    metrics = (await client.get("/metrics")).text
    for sample in (
        'parcel_events_total{action="created"} 1.0',
        "database_retries_total 0.0",
        "database_pool_limit 0.0",
        'dependency_up{dependency="database"} 0.0',
        "event_loop_lag_seconds_count ",
    ):
        assert f"\n{sample}" in metrics, sample


async def test_stored_responses_are_purged_after_their_retention(
    client: httpx2.AsyncClient, database: ObservedDatabase
) -> None:
    del client
    before = await asyncio.wait_for(database.purged_before, timeout=5)
    assert abs(utc_now() - before - timedelta(hours=KEPT_HOURS)) < timedelta(minutes=1)


@pytest.mark.parametrize("create", [Process.create_operations_api, lambda process: process.create_api([])])
async def test_enters_contexts_in_their_order_and_leaves_them_in_reverse(
    process: Process, database: ObservedDatabase, create: Callable[[Process], Service]
) -> None:
    @asynccontextmanager
    async def work() -> AsyncIterator[None]:
        database.done.append("begin")
        yield
        database.done.append("end")

    process.open(work)
    async with running(create(process)):
        assert database.done == ["open", "begin"]
    assert database.done == ["open", "begin", "end", "close"]


def test_a_process_without_a_database_has_no_commands() -> None:
    process = Process(IDENTITY, Settings())
    with pytest.raises(RuntimeError, match="call use_database first"):
        _ = process.commands


def test_commands_that_exist_already_cannot_bypass_a_new_runner(process: Process, database: ObservedDatabase) -> None:
    process.transactions = DirectTransactions(database)
    assert isinstance(process.commands.transactions, DirectTransactions)
    with pytest.raises(RuntimeError, match="wrap it before creating routers"):
        process.transactions = DirectTransactions(database)


async def test_a_service_answers_errors_of_its_own(process: Process) -> None:
    router = APIRouter()

    class OutOfStock(DomainError):
        """Nothing is left to send."""

    @router.post("/shipments")
    async def ship() -> None:
        raise OutOfStock("no parcel is left")

    async with running(process.create_api([router], problems={OutOfStock: ProblemKind(409, "out-of-stock")})) as client:
        refused = await client.post("/shipments")
    assert problem(refused) == (409, "out-of-stock")
    assert refused.json()["detail"] == "no parcel is left"


@pytest.mark.parametrize(
    ("environment", "docs", "status"),
    [
        (Environment.LOCAL, "auto", 200),
        (Environment.PRODUCTION, "auto", 404),
        (Environment.PRODUCTION, "on", 200),
        (Environment.LOCAL, "off", 404),
    ],
)
async def test_docs_are_served_where_nobody_objects(
    environment: Environment, docs: Literal["auto", "on", "off"], status: int
) -> None:
    settings = Settings(service=ServiceSettings(environment=environment), http=HttpSettings(docs=docs))
    process = Process(IDENTITY, settings)
    process.use_database(MemoryDatabase(), EVENTS, DECISIONS)
    async with running(process.create_api([])) as client:
        assert (await client.get("/docs")).status_code == status
        assert (await client.get("/openapi.json")).status_code == 200
