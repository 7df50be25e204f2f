"""What Kubernetes, Prometheus and people on call ask: /health/*, /metrics, /info."""

import asyncio
from collections.abc import Awaitable, Callable{{ ", Collection" if cookiecutter.broker != "none" }}, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel

from ..domain.errors import Unavailable
from .lifecycle import Lifecycle
from .metrics import HealthMetrics

Check = Callable[[], Awaitable[None]]
_log = structlog.stdlib.get_logger("health")


class Alive(BaseModel):
    """The process answers; nothing else is implied."""

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """Whether requests should be sent here, and what each dependency says."""

    status: Literal["ready", {{ '"degraded", ' if cookiecutter.broker != "none" }}"unavailable", "draining"]
    checks: dict[str, str]


class Info(BaseModel):
    """What is running here."""

    name: str
    version: str
    commit: str
    build_time: str
    environment: str
    python: str
    dependencies: dict[str, str]


@dataclass(frozen=True, slots=True)
class Health:
    """The probes' view: each check has its own time limit, all run at once."""

    lifecycle: Lifecycle
    checks: Mapping[str, Check]
    timeout_seconds: float
{%- if cookiecutter.broker != "none" %}
    # What requests are answered without: its failure is told, and takes nobody out of service.
    dispensable: Collection[str] = ()
{%- endif %}

    async def readiness(self) -> Readiness:
        """Ask every dependency; the first time all answer, the service counts as started."""
        results = dict(zip(self.checks, await asyncio.gather(*map(self._result, self.checks)), strict=True))
        failed = {name for name, result in results.items() if result != "ok"}
        able = {{ "failed <= set(self.dispensable)" if cookiecutter.broker != "none" else "not failed" }}
        self.lifecycle.started |= able
        if self.lifecycle.draining:
            return Readiness(status="draining", checks=results)
        if not able:
            return Readiness(status="unavailable", checks=results)
        return Readiness(status={{ '"degraded" if failed else ' if cookiecutter.broker != "none" }}"ready", checks=results)

    async def _result(self, name: str) -> str:
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await self.checks[name]()
        except TimeoutError:
            result = f"no answer within {self.timeout_seconds:g} s"
        except Unavailable as error:
            result = error.reason
        else:
            return "ok"
        _log.warning("dependency is not ready", dependency=name, reason=result)
        return result


def create_router(health: Health, info: Info, registry: CollectorRegistry) -> APIRouter:
    """The operations endpoints, outside any API version."""
    figures = HealthMetrics(registry, info.model_dump(include={"version", "commit", "build_time", "environment"}))
    router = APIRouter(tags=["operations"])
    unavailable: dict[int | str, dict[str, object]] = {503: {"model": Readiness, "description": "Not now"}}

    @router.get("/health/live", operation_id="is_alive", summary="Is the process alive?")
    async def live() -> Alive:
        """Never looks at dependencies: a restart would not bring them back."""
        return Alive()

    @router.get(
        "/health/ready",
        operation_id="is_ready",
        summary="Should requests be sent here?",
        response_model=Readiness,
        responses=unavailable,
    )
    async def ready() -> Response:
        """503 while a dependency is away or the process is draining."""
        readiness = await health.readiness()
        return _readiness_response(readiness, readiness.status not in {"unavailable", "draining"})

    @router.get(
        "/health/startup",
        operation_id="has_started",
        summary="Has it started?",
        response_model=Readiness,
        responses=unavailable,
    )
    async def startup() -> Response:
        """503 until every dependency has answered once; 200 from then on."""
        readiness = Readiness(status="ready", checks={}) if health.lifecycle.started else await health.readiness()
        return _readiness_response(readiness, health.lifecycle.started)

    @router.get("/info", operation_id="get_info", summary="What is running here?")
    async def get_info() -> Info:
        """Name, version, build and what the service depends on."""
        return info

    @router.get("/metrics", operation_id="get_metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics(request: Request) -> Response:
        """Text or OpenMetrics, as the scraper prefers."""
        # Asked now and not when a probe came, because not everywhere are there probes; the time limits hold here too.
        for dependency, result in (await health.readiness()).checks.items():
            figures.found(dependency, up=result == "ok")
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    return router


def _readiness_response(readiness: Readiness, good: bool) -> Response:
    return JSONResponse(
        readiness.model_dump(),
        HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE,
    )
