"""One pass around every request: correlation id, metrics, access log, unhandled errors.

Pure ASGI, because Starlette's BaseHTTPMiddleware costs more than the framework's own work on a request.
"""

import re
from time import perf_counter
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .lifecycle import Lifecycle
from .metrics import HttpMetrics
from .problems import ProblemDocuments
from .routes import is_probe, route_template

CORRELATION_HEADER = "x-correlation-id"
# A response is data for one caller: it is not framed, its type is not guessed, its address is not passed on.
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
# A page, such as /docs, brings a policy of its own.
POLICY = "default-src 'none'; frame-ancestors 'none'"

_well_formed = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
_log = structlog.stdlib.get_logger("access")


class RequestObservabilityMiddleware:
    """Wraps the application, with the correlation id in `scope["correlation_id"]` and in every log line.

    Responds with 500 itself, so that no error is logged twice or reaches a client as text. It stays in
    `scope["error"]`, for an ASGI application around this one.
    """

    def __init__(
        self,
        app: ASGIApp,
        problems: ProblemDocuments,
        metrics: HttpMetrics,
        lifecycle: Lifecycle,
        hsts_seconds: int = 0,
    ) -> None:
        self._app = app
        self._hsts = f"max-age={hsts_seconds}; includeSubDomains" if hsts_seconds else None
        self._problems = problems
        self._metrics = metrics
        self._lifecycle = lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        correlation_id = scope["correlation_id"] = _correlation_id(Headers(scope=scope))
        with (
            structlog.contextvars.bound_contextvars(correlation_id=correlation_id),
            self._metrics.in_flight.track_inprogress(),
        ):
            await self._observed(scope, receive, send, correlation_id)

    async def _observed(self, scope: Scope, receive: Receive, send: Send, correlation_id: str) -> None:
        started = perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(MutableHeaders(scope=message), correlation_id, scope["scheme"])
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            scope["error"] = error
            _log.exception("request failed", method=scope["method"], path=scope["path"])
            if not status:
                response = self._problems.response(500, correlation_id=correlation_id)
                await response(scope, receive, send_with_headers)
        finally:
            self._record(scope, status, perf_counter() - started)

    def _add_headers(self, headers: MutableHeaders, correlation_id: str, scheme: str) -> None:
        headers[CORRELATION_HEADER] = correlation_id
        headers.raw.extend(SECURITY_HEADERS)
        headers.setdefault("content-security-policy", POLICY)
        if self._hsts and scheme == "https":  # RFC 6797: never over HTTP
            headers["strict-transport-security"] = self._hsts
        if self._lifecycle.draining:
            # Moves clients that keep connections open to another replica before this one is gone.
            headers["connection"] = "close"

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_template(scope)
        self._metrics.observe(scope["method"], route, status, seconds)
        log = _log.debug if is_probe(route) else _log.info
        log(
            "request",
            method=scope["method"],
            path=scope["path"],
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 2),
            **_actor(scope),
        )


def _actor(scope: Scope) -> dict[str, str]:
    """The subject of an authenticated caller. Addresses are personal data, and the proxy's log has them."""
    subject = scope["caller"].subject if "caller" in scope else None
    return {} if subject is None else {"actor": subject}


def _correlation_id(headers: Headers) -> str:
    given = headers.get(CORRELATION_HEADER, "")
    return given if _well_formed.match(given) else str(uuid4())
