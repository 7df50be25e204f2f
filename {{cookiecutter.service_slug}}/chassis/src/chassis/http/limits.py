"""Limits of a request: bytes of its body and seconds of time. Pure ASGI."""

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import RETRY_AFTER_SECONDS, ProblemDocuments


class RequestLimitsMiddleware:
    """Responds with 413 to a body over `max_bytes` and with 503 after `timeout_seconds` without a response."""

    def __init__(self, app: ASGIApp, problems: ProblemDocuments, max_bytes: int, timeout_seconds: float) -> None:
        self._app = app
        self._problems = problems
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._announces_too_much(Headers(scope=scope)):
            response = self._problems.response(413, detail=self._limit, correlation_id=scope.get("correlation_id"))
            await response(scope, receive, send)
            return
        await self._timed(scope, self._counted(receive), send)

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> None:
        responding = False

        async def send_noticed(message: Message) -> None:
            nonlocal responding
            responding = True
            await send(message)

        try:
            async with asyncio.timeout(self._timeout_seconds) as deadline:
                await self._app(scope, receive, send_noticed)
        except TimeoutError:
            if responding or not deadline.expired():
                raise
            response = self._problems.response(
                503,
                "request-timeout",
                f"not done within {self._timeout_seconds:g} seconds",
                correlation_id=scope.get("correlation_id"),
                headers={"retry-after": str(RETRY_AFTER_SECONDS)},
            )
            await response(scope, receive, send)

    def _counted(self, receive: Receive) -> Receive:
        """A body may come in chunks, without announcing its length."""
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._limit)
            return message

        return receive_counted

    def _announces_too_much(self, headers: Headers) -> bool:
        length = headers.get("content-length", "0")
        return length.isdecimal() and int(length) > self._max_bytes

    @property
    def _limit(self) -> str:
        return f"a request may have {self._max_bytes} bytes"
