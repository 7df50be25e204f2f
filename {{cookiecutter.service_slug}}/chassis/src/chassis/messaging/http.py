"""Keeps the correlation id and the trace context of a request, for the events that it leads to."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .correlation import CorrelationContext, correlated


class CorrelationMiddleware:
    """Innermost, where the request already has its correlation id (W3C Trace Context, CloudEvents 1.0)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with correlated(_context(scope["correlation_id"], Headers(scope=scope))):
            await self._app(scope, receive, send)


def _context(correlation_id: str, headers: Headers) -> CorrelationContext:
    # A header that is repeated means the same as one that lists the values.
    states = ",".join(headers.getlist("tracestate"))
    return CorrelationContext.received(correlation_id, correlation_id, headers.get("traceparent"), states)
