"""Assembles the HTTP side: routers, error translation, middleware."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from ..service import ServiceIdentity
from .access import CORRELATION_HEADER, POLICY, SECURITY_HEADERS, RequestObservabilityMiddleware
from .caller import AccessControl, CallerMiddleware
from .docs import create_docs_router, create_document_router
from .lifecycle import Lifecycle
from .limits import RequestLimitsMiddleware
from .metrics import HttpMetrics, OverloadMetrics
from .openapi import DocumentedAPI
from .operations import Health, Info, create_operations_router
from .overload import RequestLoad
from .problems import ProblemDocuments, ProblemKind
from .rate_limits import RateLimitDocuments, RateLimitMiddleware, TokenBuckets, quotas_of
from .routes import UNMATCHED
from .settings import HttpSettings
from .shedding import LoadSheddingMiddleware, overloaded
from .tracing import TELEMETRY

# What a page of another origin may read of a response, beside its body.
EXPOSED = [
    "etag",
    "idempotency-replayed",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    CORRELATION_HEADER,
]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Service:
    """An application to be served, and the state that it shares with its server."""

    app: FastAPI
    lifecycle: Lifecycle


def create_api(
    identity: ServiceIdentity,
    *,
    health: Health,
    info: Info,
    registry: CollectorRegistry,
    settings: HttpSettings,
    lifespan: Lifespan,
    routers: Sequence[APIRouter],
    middleware: Sequence[Middleware] = (),
    problems: Mapping[type[Exception], ProblemKind] | None = None,
    docs: bool = True,
    access: AccessControl | None = None,
) -> FastAPI:
    """The application of a service, ready to be served. Nothing is opened before it starts.

    Args:
        identity: of the service.
        health: what the probes ask.
        info: the answer of /info.
        registry: of the metrics.
        settings: limits of requests and of callers.
        lifespan: opens and closes what the service needs.
        routers: of the API, with their prefixes.
        middleware: of the service, from the outermost to the innermost; all of it runs inside the chassis' own.
        problems: how errors of the service's own are answered.
        docs: whether /docs is served.
        access: learns who sends a request, and checks that every route declares who may use it.
    """
    if access is not None:
        access.verify(route for router in routers for route in router.routes)
    documents = ProblemDocuments(identity.name, problems)
    metrics, overload = HttpMetrics(registry), OverloadMetrics(registry)
    limits = RateLimitDocuments(documents, quotas_of(settings))
    _refuse_early(health.lifecycle.load, overloaded(documents), limits, metrics, overload)
    app = DocumentedAPI(
        problems=documents,
        limits_callers=settings.rate_limit == "on",
        access=access,
        title=identity.title,
        version=identity.version,
        description=identity.description,
        lifespan=lifespan,
        middleware=[
            *_cross_origin(settings),
            *_observability(documents, health, metrics, settings.hsts_seconds),
            Middleware(CallerMiddleware, access=access),
            *_limits(documents, limits, health.lifecycle.load, overload, settings),
            *middleware,
        ],
        openapi_url=None,  # FastAPI's pages load their files from another origin: see `docs`
        redirect_slashes=False,
        telemetry=TELEMETRY,
    )
    for router in routers:
        app.include_router(router)
    app.include_router(create_document_router())
    if docs:
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
        middleware=_observability(documents, health, HttpMetrics(registry)),
        openapi_url=None,
        redirect_slashes=False,
        telemetry=TELEMETRY,
    )
    app.include_router(create_operations_router(health, info, registry))
    documents.install(app)
    return app


def _cross_origin(settings: HttpSettings) -> list[Middleware]:
    """CORS, outside everything, so that a page may read every error too."""
    if not settings.allowed_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "authorization",
                "content-type",
                "idempotency-key",
                "if-match",
                "traceparent",
                CORRELATION_HEADER,
            ],
            expose_headers=EXPOSED,
        )
    ]


def _observability(
    documents: ProblemDocuments, health: Health, metrics: HttpMetrics, hsts_seconds: int = 0
) -> list[Middleware]:
    return [
        Middleware(
            RequestObservabilityMiddleware,
            problems=documents,
            metrics=metrics,
            lifecycle=health.lifecycle,
            hsts_seconds=hsts_seconds,
        )
    ]


def _refuse_early(
    load: RequestLoad,
    overloaded_response: Response,
    limits: RateLimitDocuments,
    metrics: HttpMetrics,
    overload: OverloadMetrics,
) -> None:
    """Have the server refuse what exceeds the limits; it is counted as if the application had."""

    def shed(method: str) -> None:
        metrics.observe(method, UNMATCHED, HTTPStatus.SERVICE_UNAVAILABLE, 0)
        overload.shed.inc()

    def over_limit(group: str, method: str) -> None:
        metrics.observe(method, UNMATCHED, HTTPStatus.TOO_MANY_REQUESTS, 0)
        overload.over_limit(group, "refused")

    load.refusal = _as_bytes(overloaded_response)
    load.on_refused = shed
    load.limited.refusals = {group: _as_bytes(response) for group, response in limits.refusals().items()}
    load.limited.on_refused = over_limit


def _as_bytes(response: Response) -> bytes:
    """A response as it is sent."""
    status = HTTPStatus(response.status_code)
    headers = [*response.raw_headers, *SECURITY_HEADERS, (b"content-security-policy", POLICY.encode())]
    lines = [f"HTTP/1.1 {status} {status.phrase}".encode(), *(name + b": " + value for name, value in headers)]
    return b"\r\n".join([*lines, b"", bytes(response.body)])


def _limits(
    documents: ProblemDocuments,
    limits: RateLimitDocuments,
    load: RequestLoad,
    metrics: OverloadMetrics,
    settings: HttpSettings,
) -> list[Middleware]:
    """From the outermost: what a caller may send, what one request may take, what the process can do."""
    by_caller = Middleware(
        RateLimitMiddleware,
        documents=limits,
        metrics=metrics,
        limiter=TokenBuckets(quotas_of(settings)),
        limited=load.limited,
        settings=settings,
    )
    return [
        *([] if settings.rate_limit == "off" else [by_caller]),
        Middleware(
            RequestLimitsMiddleware,
            problems=documents,
            max_bytes=settings.max_body_bytes,
            timeout_seconds=settings.timeout_seconds,
        ),
        Middleware(LoadSheddingMiddleware, problems=documents, metrics=metrics, load=load, settings=settings),
    ]
