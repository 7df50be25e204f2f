"""Load shedding: how many requests are handled at once, and how many wait for that. Pure ASGI.

A process that takes on more than it can do does nothing in time. What exceeds the limits is refused early and cheaply,
so that what was accepted is answered about as fast as before.

How many may wait depends on how long requests take: a queue that is longer than the time limit of waiting lets all of
them wait in vain, and each costs as much as an answer.
"""

import asyncio
from collections import deque
from time import monotonic

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .metrics import OverloadMetrics
from .overload import RequestLoad
from .problems import RETRY_AFTER_SECONDS, ProblemDocuments
from .routes import SAFE_METHODS, is_probe
from .settings import HttpSettings

# Weight of the latest request in the average of how long they take.
_WEIGHT = 0.05


class LoadSheddingMiddleware:
    """Responds with 503 to requests that find no place in time; probes and scrapes need none."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        problems: ProblemDocuments,
        metrics: OverloadMetrics,
        load: RequestLoad,
        settings: HttpSettings,
    ) -> None:
        self._app = app
        self._load = load
        self._problems = problems
        self._metrics = metrics
        self._max_handled = settings.max_concurrent_requests
        self._places = asyncio.Semaphore(settings.max_concurrent_requests)
        self._max_waiting = settings.max_waiting_requests
        self._max_wait_seconds = settings.max_wait_seconds
        self._average_seconds = 0.0
        load.limit = settings.max_concurrent_requests + settings.max_waiting_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI server."""
        if scope["type"] != "http" or is_probe(scope["path"]):
            await self._app(scope, receive, send)
            return
        if scope["method"] not in SAFE_METHODS:
            receive = await _buffered(receive)
        if not await self._enter():
            await self._refuse(scope, receive, send)
            return
        self._load.handled += 1
        begun = monotonic()
        try:
            await self._app(scope, receive, send)
        finally:
            self._load.handled -= 1
            self._places.release()
            self._adapt(monotonic() - begun)

    async def _enter(self) -> bool:
        """Whether a place was free, or became free in time."""
        if not self._places.locked():
            return await self._places.acquire()
        return self._load.handled + self._load.waiting < self._load.limit and await self._wait()

    def _adapt(self, seconds: float) -> None:
        """Let so many wait that the last of them probably needs half of the time limit.

        Args:
            seconds: that one request has taken.
        """
        self._average_seconds += (seconds - self._average_seconds) * _WEIGHT
        per_second = self._max_handled / max(self._average_seconds, 1e-6)
        self._load.limit = self._max_handled + min(self._max_waiting, per_second * self._max_wait_seconds / 2)

    async def _wait(self) -> bool:
        self._load.waiting += 1
        try:
            with self._metrics.waiting.track_inprogress():
                async with asyncio.timeout(self._max_wait_seconds):
                    return await self._places.acquire()
        except TimeoutError:
            return False
        finally:
            self._load.waiting -= 1

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._metrics.shed.inc()
        await overloaded(self._problems, scope.get("correlation_id"))(scope, receive, send)


def overloaded(problems: ProblemDocuments, correlation_id: str | None = None) -> Response:
    """The response to a request that exceeds the limits."""
    return problems.response(
        503,
        "overloaded",
        "too many requests are being handled",
        correlation_id=correlation_id,
        headers={"retry-after": str(RETRY_AFTER_SECONDS)},
    )


async def _buffered(receive: Receive) -> Receive:
    """The request once its body is there: a client that sends slowly takes no place. Its size is bounded outside."""
    messages = deque[Message]()
    refusal: HTTPException | None = None
    complete = False
    try:
        while not complete:
            messages.append(await receive())
            complete = not messages[-1].get("more_body", False)
    except HTTPException as error:
        refusal = error

    async def receive_buffered() -> Message:
        if messages:
            return messages.popleft()
        if refusal is not None:  # raised where the framework turns it into a response
            raise refusal
        return await receive()

    return receive_buffered
