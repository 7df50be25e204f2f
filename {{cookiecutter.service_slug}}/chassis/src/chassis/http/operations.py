"""Endpoints for Kubernetes, Prometheus and people on call: /health/*, /metrics, /info."""

import asyncio
import platform
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, Self

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel

from ..errors import ReadOnly, Unavailable
from ..service import ServiceIdentity
from ..settings import ServiceSettings
from .lifecycle import Lifecycle
from .metrics import HealthMetrics

# Raises Unavailable, with a reason that may be shown, unless the dependency answers.
Check = Callable[[], Awaitable[None]]
_log = structlog.stdlib.get_logger("health")


class Alive(BaseModel):
    """The process answers; nothing else is implied."""

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """Whether requests should be sent here, and the result of each dependency's check."""

    status: Literal["ready", "degraded", "unavailable", "draining"]
    checks: dict[str, str]


class Info(BaseModel):
    """Version and build of the service."""

    name: str
    version: str
    commit: str
    build_time: str
    environment: str
    python: str
    template: str
    dependencies: dict[str, str]

    @classmethod
    def of(cls, identity: ServiceIdentity, settings: ServiceSettings, dependencies: Mapping[str, str]) -> Self:
        """The running release.

        Args:
            identity: of the service.
            settings: environment and build.
            dependencies: the kind of each, such as `{"database": "in-memory"}`.
        """
        return cls(
            name=identity.name,
            version=identity.version,
            commit=settings.build_commit,
            build_time=settings.build_time,
            environment=settings.environment,
            python=platform.python_version(),
            template=identity.template,
            dependencies=dict(dependencies),
        )


@dataclass(frozen=True, slots=True)
class Health:
    """Checks of dependencies; they run at the same time, each with its own time limit.

    Args:
        lifecycle: of the process.
        checks: of the dependencies, by name.
        timeout_seconds: time limit of each check.
        optional: dependencies that requests do not need. A failure is reported as `degraded` and keeps the service
            ready. So does a dependency that is read-only: queries are answered.
    """

    lifecycle: Lifecycle
    checks: Mapping[str, Check]
    timeout_seconds: float
    optional: Collection[str] = ()

    async def readiness(self) -> Readiness:
        """Run every check; the service counts as started once all that are required have passed together."""
        failures = dict(zip(self.checks, await asyncio.gather(*map(self._failure, self.checks)), strict=True))
        results = {name: "ok" if failure is None else failure.reason for name, failure in failures.items()}
        failed = {name: failure for name, failure in failures.items() if failure is not None}
        able = all(name in self.optional or isinstance(failure, ReadOnly) for name, failure in failed.items())
        self.lifecycle.started |= able
        if self.lifecycle.draining:
            return Readiness(status="draining", checks=results)
        if not able:
            return Readiness(status="unavailable", checks=results)
        return Readiness(status="degraded" if failed else "ready", checks=results)

    async def _failure(self, name: str) -> Unavailable | None:
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await self.checks[name]()
        except TimeoutError:
            failure = Unavailable(name, f"no answer within {self.timeout_seconds:g} s")
        except Unavailable as error:
            failure = error
        else:
            return None
        _log.warning("dependency check failed", dependency=name, reason=failure.reason)
        return failure


def create_operations_router(health: Health, info: Info, registry: CollectorRegistry) -> APIRouter:
    """The operations endpoints, outside any API version."""
    metrics = HealthMetrics(registry, info.model_dump(include={"version", "commit", "build_time", "environment"}))
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
        """503 while a required dependency is unavailable or the process is draining."""
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

    @router.get("/info", operation_id="get_info", summary="Version and build")
    async def get_info() -> Info:
        """Name, version, build and dependencies of the service."""
        return info

    @router.get("/metrics", operation_id="get_metrics", summary="Prometheus metrics", response_class=Response)
    async def get_metrics(request: Request) -> Response:
        """Text or OpenMetrics, as the scraper prefers."""
        # Checked now, because not every environment has probes; the time limits hold here too.
        for dependency, result in (await health.readiness()).checks.items():
            metrics.checked(dependency, up=result == "ok")
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    return router


def _readiness_response(readiness: Readiness, good: bool) -> Response:
    return JSONResponse(
        readiness.model_dump(),
        HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE,
    )
