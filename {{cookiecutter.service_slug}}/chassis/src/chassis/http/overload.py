"""Requests that one process has taken on; shared by its server and its application.

The application refuses what exceeds its limits, but only after a task, a correlation id and a log line, which cost
half of an answer. A process that gets ten times what it can do would do nothing else, so the server refuses most.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send

# In the scope of a request whose task has been made.
ARRIVING = "chassis.arriving"


def _unnoticed(method: str) -> None:
    """Nothing counts refused requests."""


@dataclass(slots=True)
class RequestLoad:
    """Requests in the process.

    Args:
        arriving: have been read, and their tasks have not begun.
        handled: have a place.
        waiting: wait for one.
        refused: by the server, since that was last logged.
        refusal: the server's response to a request that exceeds the limits, without the status line; empty if the
            application has no limits.
        on_refused: called with the method of each.
    """

    arriving: int = 0
    handled: int = 0
    waiting: int = 0
    refused: int = 0
    refusal: bytes = b""
    on_refused: Callable[[str], None] = field(default=_unnoticed)

    def exceeds(self, max_requests: int) -> bool:
        """Whether a further request would find no place, not even to wait."""
        return self.arriving + self.handled + self.waiting >= max_requests and bool(self.refusal)

    def refuse(self, method: str) -> bytes:
        """Record a refusal; returns the response."""
        self.refused += 1
        self.on_refused(method)
        return self.refusal

    def take_refused(self) -> int:
        """How many were refused since the last call."""
        refused, self.refused = self.refused, 0
        return refused


class Arrivals:
    """Wraps the application: a request has arrived when its task begins."""

    def __init__(self, app: ASGIApp, load: RequestLoad) -> None:
        self._app = app
        self._load = load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI server."""
        if scope.pop(ARRIVING, False):
            self._load.arriving -= 1
        await self._app(scope, receive, send)
