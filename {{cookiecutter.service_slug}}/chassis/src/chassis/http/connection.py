"""An HTTP/1.1 connection with limits: bytes of the headers, and seconds until a request has arrived.

The application sees a request when its headers are complete. Everything before, and connections that send nothing,
only the server can limit; a proxy in front may do so too, but not every way into a cluster has one.
"""

import asyncio
import re
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from .lifecycle import Lifecycle
from .problems import ProblemDocuments, title_of
from .shedding_protocol import Arrivals, SheddingHttpProtocol

# For clients to read the last response: closing a socket that has unread data would discard it (RFC 9112, 9.6).
LINGER_SECONDS = 10
# With trailers: each takes twenty times its bytes while it is kept, if it is short. Clients and proxies send about 20.
MAX_HEADERS = 100
# Bytes for each byte of a body: a chunk of one byte takes five, those of ordinary clients far less.
_FRAMING = 8

# RFC 3986, section 3.2.2, and a port. Empty if the target has no authority.
_host = re.compile(rb"(?:[\w.~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?", re.ASCII)
# These problems have no type of their own, so that they need no service's name.
_problems = ProblemDocuments("server")


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of what the server waits for.

    Args:
        max_header_bytes: of the request line and the headers together.
        header_seconds: from the first byte of a request to the end of its headers.
        body_seconds: from there to the end of its body, if the application has responded before; and for the client to
            read a response.
        idle_seconds: without a byte of a request: before the first one and between two.
    """

    max_header_bytes: int
    header_seconds: float
    body_seconds: float
    idle_seconds: float


class ConnectionConfig(uvicorn.Config):
    """The configuration of a server whose connections have limits."""

    def __init__(self, app: Any, *, limits: ConnectionLimits, lifecycle: Lifecycle, **options: Any) -> None:
        super().__init__(Arrivals(app, lifecycle.load), http=LimitedHttpProtocol, **options)
        self.limits = limits
        self.lifecycle = lifecycle


class _Refusal(Exception):
    """A request that the application does not get to see."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class _Awaiting(Enum):
    REQUEST = auto()
    HEADERS = auto()
    BODY = auto()


class LimitedHttpProtocol(SheddingHttpProtocol):
    """Responds with 414 or 431 to headers that are too large, with 408 to those that take too long.

    Bytes are counted as they arrive: the parser keeps a header until it is complete. Deadlines need no timers: the
    server calls `close_if_expired` once a second, so that a request costs a comparison.
    """

    def __init__(
        self,
        config: ConnectionConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop, lifecycle=config.lifecycle)
        self._limits = config.limits
        self._awaiting = _Awaiting.REQUEST
        self._deadline = 0.0
        self._received = 0
        self._received_body = 0
        self._valid_host: bytes | None = None  # that of most requests of a connection
        self._refusal: _Refusal | None = None
        self._unread_deadline: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called when a client has connected."""
        super().connection_made(transport)
        self._deadline = self.loop.time() + self._limits.idle_seconds

    def data_received(self, data: bytes) -> None:
        """Called with the next bytes of a request, or of several; after a refusal they are discarded."""
        if self._refusal is not None:
            return
        self._received += len(data)
        super().data_received(data)
        if self._refusal is None and self.headers and len(self.headers) > MAX_HEADERS:
            self._refuse(self._too_many())
        if self._received > self._limits.max_header_bytes and self._refusal is None:
            self._check_received()

    def on_message_begin(self) -> None:
        """Called at the first byte of a request."""
        super().on_message_begin()
        self._awaiting = _Awaiting.HEADERS
        self._deadline = self.loop.time() + self._limits.header_seconds

    def on_headers_complete(self) -> None:
        """Called at the end of the headers. What it raises is the parser's error, see `send_400_response`."""
        self._check_host([value for name, value in self.headers if name == b"host"])
        if len(self.headers) > MAX_HEADERS:
            raise self._too_many()
        if self._received > self._limits.max_header_bytes:  # not necessarily: a body may have come with them
            self._check_headers()
        self._received = self._received_body = 0
        self._awaiting = _Awaiting.BODY
        self._deadline += self._limits.body_seconds
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Called with the next bytes of a body."""
        self._received_body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Called at the end of a request."""
        self._awaiting = _Awaiting.REQUEST
        self._received = 0
        self._deadline = self.loop.time() + self._limits.idle_seconds
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Called when the application has responded; the next request may have begun, and waited until now."""
        waits = self._limits.idle_seconds if self._awaiting is _Awaiting.REQUEST else self._limits.body_seconds
        self._deadline = self.loop.time() + waits
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Called when the parser has failed, or a callback above."""
        self._refuse(self._refusal or _Refusal(HTTPStatus.BAD_REQUEST, msg))

    def pause_writing(self) -> None:
        """Called when too much of a response waits for the client to read it."""
        super().pause_writing()
        self._unread_deadline = self.loop.time() + self._limits.body_seconds

    def resume_writing(self) -> None:
        """Called when the client has read it."""
        super().resume_writing()
        self._unread_deadline = None

    def close_if_expired(self) -> None:
        """Close the connection if it has waited too long for its client; requests in flight are not its concern."""
        now = self.loop.time()
        if self.transport.is_closing() and self._unread_deadline is None:  # and not closed, as a response is not read
            self._unread_deadline = now + LINGER_SECONDS
        if self._unread_deadline is not None and now >= self._unread_deadline:
            self.transport.abort()
        elif now >= self._deadline and not self.is_responding():
            if self._awaiting is _Awaiting.HEADERS and self._refusal is None:
                detail = f"the headers did not arrive within {self._limits.header_seconds:g} seconds"
                self._refuse(_Refusal(HTTPStatus.REQUEST_TIMEOUT, detail))
            else:
                self.transport.close()

    def _check_host(self, values: list[bytes]) -> None:
        """RFC 9112, section 3.2: exactly one Host, and a valid one; proxies could read another one than this server."""
        if len(values) > 1 or (not values and self.parser.get_http_version() != "1.0"):
            raise self._refused(HTTPStatus.BAD_REQUEST, "a request must have exactly one Host")
        if values and values[0] != self._valid_host:
            if not _host.fullmatch(values[0]):
                raise self._refused(HTTPStatus.BAD_REQUEST, "the Host is malformed")
            self._valid_host = values[0]

    def _check_headers(self) -> None:
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self._limits.max_header_bytes:
            raise self._too_large()

    def _check_received(self) -> None:
        """Everything but the content of a body counts: the framing of chunks, their extensions, and trailers."""
        framing = self._received - self._received_body
        allowed = self._limits.max_header_bytes + _FRAMING * self._received_body
        if self._awaiting is not _Awaiting.BODY or framing > allowed:
            self._refuse(self._too_large())

    def _too_large(self) -> _Refusal:
        limit = self._limits.max_header_bytes
        if self._awaiting is _Awaiting.HEADERS and len(self.url) > limit // 2:
            return self._refused(HTTPStatus.REQUEST_URI_TOO_LONG, f"URL and headers may have {limit} bytes")
        return self._refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"URL and headers may have {limit} bytes")

    def _too_many(self) -> _Refusal:
        return self._refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"a request may have {MAX_HEADERS} headers")

    def _refused(self, status: HTTPStatus, detail: str) -> _Refusal:
        self._refusal = _Refusal(status, detail)
        return self._refusal

    def _refuse(self, refusal: _Refusal) -> None:
        """Respond and end the connection: after such a request nothing that follows could be trusted."""
        self._refusal = refusal
        if self.is_responding() or not self.transport.can_write_eof():
            self.transport.close()
            return
        if self.headers:
            self.headers.clear()  # the connection stays until its client closes it
        response = _problems.response(refusal.status, detail=refusal.detail)
        headers = [*self.server_state.default_headers, *response.raw_headers, (b"connection", b"close")]
        lines = [f"HTTP/1.1 {refusal.status} {title_of(refusal.status)}".encode()]
        lines += [name + b": " + value for name, value in headers]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(response.body)]))
        self.transport.write_eof()
        self._deadline = self.loop.time() + LINGER_SECONDS
