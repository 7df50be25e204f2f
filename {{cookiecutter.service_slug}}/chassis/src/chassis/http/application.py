"""Assembles the HTTP side: routers, error translation, middleware."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware import Middleware

from ..service import ServiceIdentity
from .access import RequestObservabilityMiddleware
from .docs import create_docs_router
from .lifecycle import Lifecycle
from .limits import RequestLimitsMiddleware
from .metrics import HttpMetrics
from .openapi import DocumentedAPI
from .operations import Health, Info, create_operations_router
from .problems import ProblemDocuments, ProblemKind
from .tracing import TELEMETRY

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Service:
    """An application to be served, and the state that it shares with its server."""

    app: FastAPI
    lifecycle: Lifecycle


class Limits(Protocol):
    """Limits of a request; HttpSettings has them."""

    @property
    def max_body_bytes(self) -> int: ...

    @property
    def timeout_seconds(self) -> float: ...


def create_api(
    identity: ServiceIdentity,
    *,
    health: Health,
    info: Info,
    registry: CollectorRegistry,
    limits: Limits,
    lifespan: Lifespan,
    routers: Sequence[APIRouter],
    middleware: Sequence[Middleware] = (),
    problems: Mapping[type[Exception], ProblemKind] | None = None,
) -> FastAPI:
    """The application of a service, ready to be served. Nothing is opened before it starts.

    Args:
        identity: of the service.
        health: what the probes ask.
        info: the answer of /info.
        registry: of the metrics.
        limits: of each request.
        lifespan: opens and closes what the service needs.
        routers: of the API, with their prefixes.
        middleware: of the service, from the outermost to the innermost; all of it runs inside the chassis' own.
        problems: how errors of the service's own are answered.
    """
    documents = ProblemDocuments(identity.name, problems)
    app = DocumentedAPI(
        problems=documents,
        title=identity.title,
        version=identity.version,
        description=identity.description,
        lifespan=lifespan,
        middleware=[
            *_observability(documents, health, registry),
            Middleware(
                RequestLimitsMiddleware,
                problems=documents,
                max_bytes=limits.max_body_bytes,
                timeout_seconds=limits.timeout_seconds,
            ),
            *middleware,
        ],
        openapi_url=None,  # FastAPI's pages load their files from another origin: see `docs`
        redirect_slashes=False,
        telemetry=TELEMETRY,
    )
    for router in routers:
        app.include_router(router)
    app.include_router(create_docs_router(identity.title))
    app.include_router(create_operations_router(health, info, registry))
    return app


def create_operations_api(
    identity: ServiceIdentity,
    *,
    health: Health,
    info: Info,
    registry: CollectorRegistry,
    lifespan: Lifespan,
) -> FastAPI:
    """The application of a process that answers the operations endpoints only, such as a worker.

    Args:
        identity: of the service.
        health: what the probes ask.
        info: the answer of /info.
        registry: of the metrics.
        lifespan: does the work while the application runs.
    """
    documents = ProblemDocuments(identity.name)
    app = FastAPI(
        lifespan=lifespan,
        middleware=_observability(documents, health, registry),
        openapi_url=None,
        redirect_slashes=False,
        telemetry=TELEMETRY,
    )
    app.include_router(create_operations_router(health, info, registry))
    documents.install(app)
    return app


def _observability(documents: ProblemDocuments, health: Health, registry: CollectorRegistry) -> list[Middleware]:
    return [
        Middleware(
            RequestObservabilityMiddleware,
            problems=documents,
            metrics=HttpMetrics(registry),
            lifecycle=health.lifecycle,
        )
    ]
