"""Messages of a whole application in memory: from a request to the history, and what probes and metrics report."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2
import pytest

from chassis.database.memory import MemoryDatabase
from chassis.errors import Unavailable
from chassis.http.application import Service
from chassis.http.settings import HttpSettings, IdempotencySettings, ReadinessSettings, ShutdownSettings
from chassis.messaging.brokers.in_process import InProcessBroker
from chassis.messaging.history import history_handlers
from chassis.messaging.settings import ConsumerSettings, OutboxSettings
from chassis.messaging.storage.memory import MemoryMessageStorage
from chassis.messaging.wiring import Messaging
from chassis.process import Process
from chassis.settings import ServiceSettings
from chassis.testing.brokers import eventually_true
from chassis.testing.http import running
from tests.http.parcels import DRAFT, IDENTITY
from tests.sample.api import URL, create_router
from tests.sample.domain.parcels import DECISIONS, EVENTS
from tests.sample.messaging.contracts import CATALOG
from tests.sample.storage.memory import MemoryParcels

CONSUMER = "warehouse-service.history"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
METRICS = (
    "outbox_waiting",
    "outbox_oldest_seconds",
    "outbox_published_total",
    "outbox_failures_total",
    "outbox_delay_seconds_bucket",
    "consumer_messages_total",
    "consumer_duration_seconds_bucket",
    "consumer_waiting",
    "consumer_dead_letters",
)


class MoodyBroker(InProcessBroker):
    """Away until a test changes that."""

    away = True

    async def check(self) -> None:
        """Raise Unavailable while it is away."""
        if self.away:
            raise Unavailable("broker", "cannot be reached")


@dataclass(frozen=True)
class Settings:
    """The defaults, with an outbox whose events are soon late."""

    service: ServiceSettings = field(default_factory=ServiceSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    readiness: ReadinessSettings = field(default_factory=ReadinessSettings)
    idempotency: IdempotencySettings = field(default_factory=IdempotencySettings)
    shutdown: ShutdownSettings = field(default_factory=ShutdownSettings)
    outbox: OutboxSettings = field(default_factory=lambda: OutboxSettings(late_seconds=0.05))
    consumer: ConsumerSettings = field(default_factory=ConsumerSettings)


class Application:
    """The sample on a database and a broker in memory, from which several processes are made."""

    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self.storage = MemoryMessageStorage(self.database)
        self.broker = MoodyBroker()

    def process(self) -> tuple[Process, Messaging]:
        """A process with messaging."""
        process = Process(IDENTITY, Settings())
        process.use_database(self.database, EVENTS, DECISIONS)
        messaging = Messaging(
            process,
            Settings(),
            broker=self.broker,
            storage=self.storage,
            catalog=CATALOG,
            subscriptions={CONSUMER: history_handlers(CATALOG, self.storage.history)},
        )
        return process, messaging

    def api(self) -> Service:
        """The process that serves requests."""
        process, messaging = self.process()
        messaging.serve_without_broker()
        return process.create_api([create_router(process.commands, MemoryParcels(self.database))])

    def worker(self) -> Service:
        """The process that publishes and consumes."""
        process, messaging = self.process()
        messaging.run_worker()
        return process.create_operations_api()

    def events(self) -> list[dict[str, Any]]:
        """The events that wait to be published."""
        return [json.loads(each.message.body) for each in self.storage.outbox.waiting]


@pytest.fixture
def application() -> Application:
    """A new one, with no process running."""
    return Application()


@pytest.fixture
async def client(application: Application) -> AsyncIterator[httpx2.AsyncClient]:
    """Sends requests to its API."""
    async with running(application.api()) as client:
        yield client


@pytest.fixture
async def worker(application: Application) -> AsyncIterator[httpx2.AsyncClient]:
    """Sends requests to its worker."""
    async with running(application.worker()) as client:
        yield client


async def status(client: httpx2.AsyncClient) -> str:
    """The status that readiness reports."""
    return str((await client.get("/health/ready")).json()["status"])


async def test_an_event_carries_the_correlation_id_and_the_trace_of_its_request(
    application: Application, client: httpx2.AsyncClient
) -> None:
    created = await client.post(URL, json=DRAFT, headers={"x-correlation-id": "call-7", "traceparent": TRACE})
    confirmed = await client.post(f"{created.headers['location']}/confirm", headers={"if-match": '"1"'})
    first, last = application.events()
    assert (first["correlationid"], first["causationid"]) == ("call-7", "call-7")
    # Where spans are recorded, the event names the span it was created in: of the same trace.
    assert first["traceparent"].split("-")[1] in TRACE
    assert last["correlationid"] == last["causationid"] == confirmed.headers["x-correlation-id"] != "call-7"


async def test_events_are_published_consumed_and_recorded(
    application: Application, client: httpx2.AsyncClient, worker: httpx2.AsyncClient
) -> None:
    created = await client.post(URL, json=DRAFT)
    id = UUID(created.json()["id"])

    async def is_recorded() -> bool:
        return [each.version for each in await application.storage.history.entries("parcel", id, 0, 10)] == [1]

    await eventually_true(is_recorded)
    assert application.events() == []
    metrics = (await worker.get("/metrics")).text
    for name in METRICS:
        assert f"\n{name}" in metrics, name


async def test_a_worker_serves_the_operations_endpoints_only(worker: httpx2.AsyncClient) -> None:
    for path in ("/health/live", "/health/ready", "/health/startup", "/info", "/metrics"):
        assert (await worker.get(path)).status_code != 404, path
    for path in (URL, "/docs", "/openapi.json"):
        assert (await worker.get(path)).status_code == 404, path
    assert (await worker.get("/info")).json()["dependencies"]["broker"] == "in-process"


async def test_a_worker_is_not_ready_without_its_broker(application: Application, worker: httpx2.AsyncClient) -> None:
    ready = await worker.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]) == (503, {"database": "ok", "broker": "cannot be reached"})
    assert (await worker.get("/health/startup")).status_code == 503
    application.broker.away = False
    assert (await worker.get("/health/ready")).status_code == 200
    assert (await worker.get("/health/startup")).status_code == 200


async def test_requests_are_answered_while_the_broker_is_away(client: httpx2.AsyncClient) -> None:
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["checks"] == {"database": "ok", "broker": "cannot be reached", "outbox": "ok"}
    assert (await client.get("/health/startup")).status_code == 200
    assert (await client.post(URL, json=DRAFT)).status_code == 201


async def test_readiness_reports_late_events_where_no_worker_runs(
    application: Application, client: httpx2.AsyncClient
) -> None:
    application.broker.away = False
    assert await status(client) == "ready"
    await client.post(URL, json=DRAFT)

    async def is_degraded() -> bool:
        return await status(client) == "degraded"

    await eventually_true(is_degraded)
    reason = (await client.get("/health/ready")).json()["checks"]["outbox"]
    assert reason == "the oldest event has been waiting for 0 s: does a worker run?"
    application.broker.away = True
    checks = (await client.get("/health/ready")).json()["checks"]
    assert checks["broker"] == "cannot be reached"
    assert checks["outbox"] == "the oldest event has been waiting for 0 s"


async def test_a_process_without_a_worker_shows_the_age_of_events_and_does_not_count_them(
    client: httpx2.AsyncClient,
) -> None:
    await client.post(URL, json=DRAFT)
    metrics = (await client.get("/metrics")).text
    assert "\noutbox_oldest_seconds " in metrics
    assert "outbox_waiting" not in metrics
