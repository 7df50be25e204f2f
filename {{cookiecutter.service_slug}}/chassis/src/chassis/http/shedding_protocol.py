"""Load shedding by the server, before a request costs a task.

The application refuses what exceeds its limits too, but only after a task, a correlation id and a log line, which cost
more than half of an answer. A process that gets ten times what it can do would do nothing else. So does one client that
sends far more than its quota: the application refuses its first request, the server the others until there is a token.
"""

import asyncio
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from .lifecycle import Lifecycle
from .overload import PEER, RequestLoad, Sender
from .routes import group_of, is_probe

# How long a refusal waits: clients that try again at once, and there may be thousands, would take the processor.
REFUSAL_SECONDS = 0.1
# In the scope of a request whose task has been made and has not begun.
_ARRIVING = "chassis.arriving"


class Arrivals:
    """Wraps the application: a request has arrived when its task begins."""

    def __init__(self, app: ASGIApp, load: RequestLoad) -> None:
        self._app = app
        self._load = load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI server."""
        if scope.pop(_ARRIVING, False):
            self._load.arriving -= 1
        await self._app(scope, receive, send)


class SheddingHttpProtocol(HttpToolsProtocol):
    """Responds with a constant 503 to what the application could not take, and reads on."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        lifecycle: Lifecycle,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._lifecycle = lifecycle
        self._shedding = False  # the request that is being read is refused
        self._pending = b""  # the refusal that waits
        self._refusal_timer: asyncio.TimerHandle | None = None

    def on_headers_complete(self) -> None:
        """Called at the end of the headers."""
        if self._refusal_timer is not None:
            self._shedding = True
            self._close_early(self._refusal_timer)
            return
        self._pending = self._early_refusal()
        if self._pending:
            self._shedding = True
            self._refusal_timer = self.loop.call_later(REFUSAL_SECONDS, self._send)
            return
        begins = not self.is_responding()  # else it waits for the response to the one before
        super().on_headers_complete()
        self.scope[PEER] = self._address()  # type: ignore[literal-required]
        if begins:
            self.scope[_ARRIVING] = True  # type: ignore[literal-required]
            self._lifecycle.load.arriving += 1

    def on_body(self, body: bytes) -> None:
        """Called with the next bytes of a body."""
        if not self._shedding:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Called at the end of a request."""
        if not self._shedding:
            super().on_message_complete()
        self._shedding = False

    def is_responding(self) -> bool:
        """Whether the application has a request of this connection."""
        return self.cycle is not None and not self.cycle.response_complete

    def _early_refusal(self) -> bytes:
        """The response to a request that is refused at once; nothing if the application has to see it."""
        load = self._lifecycle.load
        if not (load.limited or load.is_full()) or not self._needs_no_more_than_a_constant():
            return b""
        method = self.parser.get_method().decode("ascii")
        if load.limited:
            sender = Sender.of(group_of(method), self._address(), self.headers)
            if refusal := load.limited.refuse(sender, method):
                return refusal
        return load.refuse(method) if load.is_full() else b""

    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _needs_no_more_than_a_constant(self) -> bool:
        """If not, the application refuses it: a page of another origin may read that, HEAD has no body, and so on."""
        return not (
            self.is_responding()
            or self._lifecycle.draining
            or is_probe(self.url.decode("ascii", "replace"))
            or self.parser.get_method() == b"HEAD"
            or not self.parser.should_keep_alive()
            or any(name == b"origin" for name, _ in self.headers)
        )

    def _close_early(self, timer: asyncio.TimerHandle) -> None:
        """A client that sends the next request before it has the refusal loses its connection."""
        if not self.transport.is_closing():
            timer.cancel()
            self.transport.write(self._pending)
            self.transport.close()

    def _send(self) -> None:
        self._refusal_timer = None
        if not self.transport.is_closing():
            self.transport.write(self._pending)
