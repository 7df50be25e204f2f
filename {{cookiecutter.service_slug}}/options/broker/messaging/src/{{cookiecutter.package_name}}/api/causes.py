"""Keeps what a request says about its place in a distributed trace, for the events that it leads to."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..domain.causality import Cause, caused_by


class CausePass:
    """Innermost, where the request has its correlation id already (W3C Trace Context, CloudEvents 1.0)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with caused_by(_cause(scope["correlation_id"], Headers(scope=scope))):
            await self._app(scope, receive, send)


def _cause(correlation_id: str, headers: Headers) -> Cause:
    # A header that comes several times means the same as one that lists the values.
    states = ",".join(headers.getlist("tracestate"))
    return Cause.traced(correlation_id, correlation_id, headers.get("traceparent"), states)
