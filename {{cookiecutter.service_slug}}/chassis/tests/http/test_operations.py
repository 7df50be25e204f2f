"""The endpoints for probes, scrapers and people on call."""

import asyncio

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from chassis.errors import ReadOnly, Unavailable
from chassis.http.application import Service, create_operations_api
from chassis.http.lifecycle import Lifecycle
from chassis.http.operations import Health, Info
from chassis.settings import ServiceSettings
from chassis.testing.http import running

from .parcels import IDENTITY, create_service, empty_lifespan


class Dependency:
    """Is away, hangs or answers, as a test needs it."""

    def __init__(self, state: str) -> None:
        self.state = state

    async def check(self) -> None:
        """Raise Unavailable unless it answers."""
        if self.state == "away":
            raise Unavailable("database", "connection refused")
        if self.state == "read-only":
            raise ReadOnly("database")
        if self.state == "hanging":
            await asyncio.Event().wait()


async def test_every_endpoint_answers(client: httpx2.AsyncClient) -> None:
    for path in ("/health/live", "/health/ready", "/health/startup", "/info", "/metrics", "/docs", "/openapi.json"):
        assert (await client.get(path)).status_code == 200, path


@pytest.mark.parametrize(("state", "reason"), [("away", "connection refused"), ("hanging", "no answer within 0.05 s")])
async def test_a_lost_dependency_ends_readiness_but_not_liveness(state: str, reason: str) -> None:
    dependency = Dependency(state)
    async with running(create_service(checks={"database": dependency.check})) as client:
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
        assert ready.json()["checks"]["database"] == reason
        assert (await client.get("/health/startup")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200
        dependency.state = "answers"
        assert (await client.get("/health/ready")).status_code == 200
        dependency.state = state
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/health/startup")).status_code == 200


async def test_a_lost_optional_dependency_is_reported_and_keeps_the_service_ready() -> None:
    checks = {"database": Dependency("answers").check, "broker": Dependency("away").check}
    async with running(create_service(checks=checks, optional=["broker"])) as client:
        ready = await client.get("/health/ready")
        metrics = (await client.get("/metrics")).text
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["checks"] == {"database": "ok", "broker": "connection refused"}
    assert 'dependency_up{dependency="broker"} 0.0' in metrics
    assert 'dependency_up{dependency="database"} 1.0' in metrics


async def test_a_service_whose_database_is_read_only_answers_queries_and_says_so() -> None:
    async with running(create_service(checks={"database": Dependency("read-only").check})) as client:
        ready = await client.get("/health/ready")
        metrics = (await client.get("/metrics")).text
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["checks"] == {"database": "the server is read-only"}
    assert 'dependency_up{dependency="database"} 0.0' in metrics


async def test_a_draining_service_is_not_ready(service: Service) -> None:
    async with running(service) as client:
        service.lifecycle.draining = True
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "draining")
        assert (await client.get("/health/live")).status_code == 200


async def test_info_names_release_build_and_dependencies(client: httpx2.AsyncClient) -> None:
    info = (await client.get("/info")).json()
    assert (info["name"], info["version"], info["template"]) == ("warehouse-service", "1.2.3", "4.5.6")
    assert (info["commit"], info["environment"]) == ("4f2a9c1", "local")
    assert info["dependencies"] == {"database": "in-memory"}
    metrics = (await client.get("/metrics")).text
    assert 'service_build_info{build_time="unknown",commit="4f2a9c1",environment="local",version="1.2.3"}' in metrics


async def test_metrics_have_the_format_that_the_scraper_prefers(client: httpx2.AsyncClient) -> None:
    text = await client.get("/metrics")
    assert text.headers["content-type"].startswith("text/plain")
    openmetrics = await client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")


async def test_a_worker_answers_operations_only() -> None:
    lifecycle = Lifecycle()
    app = create_operations_api(
        IDENTITY,
        health=Health(lifecycle, {}, 1),
        info=Info.of(IDENTITY, ServiceSettings(), {}),
        registry=CollectorRegistry(),
        lifespan=empty_lifespan,
    )
    async with running(Service(app, lifecycle)) as client:
        for path in ("/health/live", "/health/ready", "/health/startup", "/info", "/metrics"):
            assert (await client.get(path)).status_code == 200, path
        assert (await client.get("/docs")).status_code == 404
        assert (await client.post("/info")).headers["allow"] == "GET"
        assert (await client.get("/nowhere")).headers["content-type"] == "application/problem+json"
