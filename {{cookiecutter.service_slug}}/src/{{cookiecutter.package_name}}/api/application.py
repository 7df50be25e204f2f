"""Puts the HTTP side together: routers, error translation, middleware."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from ..domain.ports import Queries
from . import operations, problems
from .commands import Commands
from .limits import RequestLimits
from .metrics import HttpMetrics
from .middleware import RequestPass
from .openapi import DocumentedAPI
{%- if cookiecutter.tracing != "none" %}
from .telemetry import TELEMETRY
{%- endif %}
from .v1 import routes as v1

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take."""

    max_body_bytes: int
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Parts:
    """What the HTTP side is given by the composition root."""

    commands: Commands
    queries: Queries
    health: operations.Health
    info: operations.Info
    registry: CollectorRegistry
    limits: Limits
    lifespan: Lifespan


def create_api(parts: Parts, title: str, description: str) -> FastAPI:
    """The application, ready to be served.

    Args:
        parts: what it works with.
        title: the service's name for people.
        description: what the service does, in a sentence.
    """
    app = DocumentedAPI(
        title=title,
        version=parts.info.version,
        description=description,
        lifespan=parts.lifespan,
        redoc_url=None,
        redirect_slashes=False,
{%- if cookiecutter.tracing != "none" %}
        telemetry=TELEMETRY,
{%- endif %}
    )
    app.state.commands = parts.commands
    app.state.queries = parts.queries
    app.include_router(v1.router)
    app.include_router(operations.create_router(parts.health, parts.info, parts.registry))
    problems.install(app)
    # The last one added is the outermost.
    app.add_middleware(
        RequestLimits,
        max_bytes=parts.limits.max_body_bytes,
        timeout_seconds=parts.limits.timeout_seconds,
    )
    app.add_middleware(RequestPass, metrics=HttpMetrics(parts.registry), lifecycle=parts.health.lifecycle)
    return app
