"""What probes and scrapers are told about events, by the API and by a worker."""

import httpx2
import pytest

from {{ cookiecutter.package_name }}.bootstrap import create_service, create_worker_service
from {{ cookiecutter.package_name }}.config import load_settings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.database.memory import MemoryDatabase
from {{ cookiecutter.package_name }}.infrastructure.messaging.in_process import InProcessBroker

from ..conftest import running
from ..deliveries import until_true
from .test_api import URL, create
from .test_operations import MoodyDatabase

AWAY = {"database": "ok", "broker": "cannot be reached", "outbox": "ok"}


class MoodyBroker(InProcessBroker):
    """Away or there, as a test wants it."""

    away = True

    async def check(self) -> None:
        if self.away:
            raise Unavailable("broker", "cannot be reached")


async def status(client: httpx2.AsyncClient) -> str:
    """What readiness says."""
    return str((await client.get("/health/ready")).json()["status"])


async def is_degraded(client: httpx2.AsyncClient) -> bool:
    """Whether something is missing that requests are answered without."""
    return await status(client) == "degraded"


async def test_requests_are_answered_while_the_broker_is_away() -> None:
    broker = MoodyBroker()
    async with running(create_service(load_settings(), MemoryDatabase(), broker)) as client:
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()) == (200, {"status": "degraded", "checks": AWAY})
        assert (await client.get("/health/startup")).status_code == 200
        await create(client)
        broker.away = False
        assert await status(client) == "ready"


async def test_says_that_events_are_late_where_nobody_publishes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOX_LATE_SECONDS", "0.05")
    async with running(create_service(load_settings(), MemoryDatabase(), works=False)) as client:
        await create(client)
        await until_true(lambda: is_degraded(client))
        reason = (await client.get("/health/ready")).json()["checks"]["outbox"]
        assert reason.startswith("the oldest event has been waiting for ")


async def test_a_lost_database_outweighs_a_lost_broker() -> None:
    async with running(create_service(load_settings(), MoodyDatabase(), MoodyBroker())) as client:
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
        assert ready.json()["checks"]["broker"] == "cannot be reached"


async def test_a_worker_is_not_ready_without_its_broker() -> None:
    broker = MoodyBroker()
    async with running(create_worker_service(load_settings(), MemoryDatabase(), broker)) as client:
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["checks"]) == (503, {"database": "ok", "broker": "cannot be reached"})
        assert (await client.get("/health/startup")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200
        broker.away = False
        assert (await client.get("/health/ready")).status_code == 200
        assert (await client.get("/health/startup")).status_code == 200


async def test_a_worker_answers_probes_and_scrapers_and_nothing_else() -> None:
    service = create_worker_service(load_settings(), MemoryDatabase(), InProcessBroker())
    async with running(service) as client:
        for path in ("/health/live", "/health/ready", "/health/startup", "/info", "/metrics"):
            assert (await client.get(path)).status_code == 200, path
        for path in (URL, "/docs", "/openapi.json"):
            assert (await client.get(path)).status_code == 404, path
        metrics = (await client.get("/metrics")).text
    for name in (
        "outbox_waiting",
        "outbox_oldest_seconds",
        "outbox_published_total",
        "outbox_failures_total",
        "outbox_delay_seconds_bucket",
        "consumer_waiting",
        "consumer_dead_letters",
        "database_pool_limit",
    ):
        assert f"\n{name}" in metrics, name


async def test_says_which_broker_it_speaks_to() -> None:
    async with running(create_service(load_settings(), MemoryDatabase())) as client:
        assert (await client.get("/info")).json()["dependencies"]["broker"] == "in-process"
