"""What probes, scrapers and people on call are told."""

import asyncio

import httpx2
import pytest

from {{ cookiecutter.package_name }}.bootstrap import Service, create_service
from {{ cookiecutter.package_name }}.config import load_settings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.database.memory import MemoryDatabase

from ..conftest import running


class MoodyDatabase(MemoryDatabase):
    """Away, hanging or fine, as a test wants it."""

    mood = "away"

    async def check(self) -> None:
        if self.mood == "away":
            raise Unavailable("database", "cannot be reached")
        if self.mood == "hanging":
            await asyncio.Event().wait()


async def test_everything_is_well(client: httpx2.AsyncClient) -> None:
    for path in ("/health/live", "/health/ready", "/health/startup", "/info", "/metrics", "/docs", "/openapi.json"):
        assert (await client.get(path)).status_code == 200, path


@pytest.mark.parametrize(
    ("mood", "reason"),
    [("away", "cannot be reached"), ("hanging", "no answer within 0.05 s")],
)
async def test_a_lost_dependency_takes_readiness_but_not_life(
    monkeypatch: pytest.MonkeyPatch, mood: str, reason: str
) -> None:
    monkeypatch.setenv("READINESS_TIMEOUT_SECONDS", "0.05")
    database = MoodyDatabase()
    database.mood = mood
    async with running(create_service(load_settings(), database)) as client:
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
        assert ready.json()["checks"]["database"] == reason
        assert (await client.get("/health/startup")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200
        database.mood = "fine"
        assert (await client.get("/health/ready")).status_code == 200
        database.mood = mood
        assert (await client.get("/health/startup")).status_code == 200


async def test_is_not_ready_while_draining(service: Service) -> None:
    async with running(service) as client:
        service.lifecycle.draining = True
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "draining")
        assert (await client.get("/health/live")).status_code == 200


async def test_says_what_is_running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILD_COMMIT", "4f2a9c1")
    async with running(create_service(load_settings(), MemoryDatabase())) as client:
        info = (await client.get("/info")).json()
    assert info["name"] == "{{ cookiecutter.service_slug }}"
    assert (info["commit"], info["environment"]) == ("4f2a9c1", "local")
    assert info["dependencies"]["database"] == "in-memory"


async def test_metrics_come_as_the_scraper_prefers(client: httpx2.AsyncClient) -> None:
    text = await client.get("/metrics")
    assert text.headers["content-type"].startswith("text/plain")
    openmetrics = await client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")
