"""Limits of a request: bytes of its body, levels of its JSON, and seconds of time. Pure ASGI."""

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .json_depth import MAX_JSON_DEPTH, is_nested_too_deeply
from .problems import RETRY_AFTER_SECONDS, ProblemDocuments

_DIGITS = 19


class RequestLimitsMiddleware:
    """Responds with 413 to a body over `max_bytes`, with 400 to deeply nested JSON, after a time limit with 408 or 503.

    408 if the client had not sent its whole body, so that slow clients are not taken for errors of the service.
    """

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
        headers = Headers(scope=scope)
        if self._announces_too_much(headers):
            response = self._problems.response(413, detail=self._limit, correlation_id=scope.get("correlation_id"))
            await response(scope, receive, send)
            return
        is_json = "json" in headers.get("content-type", "").lower()
        await self._timed(scope, _Body(receive, self._max_bytes, self._limit, is_json=is_json), send)

    async def _timed(self, scope: Scope, body: "_Body", send: Send) -> None:
        responding = False

        async def send_noticed(message: Message) -> None:
            nonlocal responding
            responding = True
            await send(message)

        try:
            async with asyncio.timeout(self._timeout_seconds) as deadline:
                await self._app(scope, body.receive, send_noticed)
        except TimeoutError:
            if responding or not deadline.expired():
                raise
            await self._late(body, scope.get("correlation_id"))(scope, body.receive, send)

    def _late(self, body: "_Body", correlation_id: str | None) -> Response:
        detail = f"not done within {self._timeout_seconds:g} seconds"
        if body.awaited:
            headers = {"connection": "close"}  # the rest of the body would be read as a request
            return self._problems.response(408, detail=detail, correlation_id=correlation_id, headers=headers)
        headers = {"retry-after": str(RETRY_AFTER_SECONDS)}
        return self._problems.response(503, "request-timeout", detail, correlation_id=correlation_id, headers=headers)

    def _announces_too_much(self, headers: Headers) -> bool:
        length = headers.get("content-length", "0").lstrip("0") or "0"
        # By the number of digits first: thousands of them are no number for Python.
        return length.isdecimal() and (len(length) > _DIGITS or int(length) > self._max_bytes)

    @property
    def _limit(self) -> str:
        return f"a request may have {self._max_bytes} bytes"


class _Body:
    """The body of one request, which may come in chunks, without announcing its length."""

    def __init__(self, receive: Receive, max_bytes: int, limit: str, *, is_json: bool) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._limit = limit
        self._received = 0
        self._document: list[bytes] | None = [] if is_json else None
        self._complete = False
        # Whether the application waits for more of it.
        self.awaited = False

    async def receive(self) -> Message:
        """The next message of the server. Raises HTTPException: 413 if the body is too large, 400 if it is too deep."""
        self.awaited = not self._complete
        message = await self._receive()
        self.awaited = False
        self._complete = not message.get("more_body", False)
        self._check(message.get("body", b""))
        return message

    def _check(self, content: bytes) -> None:
        self._received += len(content)
        if self._received > self._max_bytes:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._limit)
        if self._document is None:
            return
        self._document.append(content)
        if self._complete:
            document, self._document = b"".join(self._document), None
            if is_nested_too_deeply(document):
                raise HTTPException(HTTPStatus.BAD_REQUEST, f"JSON may have {MAX_JSON_DEPTH} levels")
