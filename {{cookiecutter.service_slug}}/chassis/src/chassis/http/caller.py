"""The caller of a request. Nothing else reads what identifies it, so that there is one answer."""

from collections.abc import Iterable
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any, Protocol

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from ..caller import Caller, acting_for
from .routes import is_probe

UNKNOWN = "unknown"
# A household or a server is given a network of this size, so one sender has all of its addresses.
_IPV6_PREFIX = 64


class AccessControl(Protocol):
    """Learns who sends a request, and knows what its routes ask of a caller."""

    async def identify(self, scope: Scope) -> Caller:
        """The caller, without its address; one without a subject if the request does not prove who sends it."""
        ...

    def verify(self, routes: Iterable[BaseRoute]) -> None:
        """Raise an error that names a route which does not declare who may use it."""
        ...

    def document(self, openapi: dict[str, Any]) -> None:
        """Add to an OpenAPI document how callers prove who they are."""
        ...


class CallerMiddleware:
    """Learns who sends a request: in `scope["caller"]`, in `current_caller()`, and as `actor` in the logs."""

    def __init__(self, app: ASGIApp, access: AccessControl | None = None) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the ASGI server."""
        if scope["type"] != "http" or is_probe(scope["path"]):
            await self._app(scope, receive, send)
            return
        if self._access is None:
            caller = Caller(address=address_of(scope))
        else:
            caller = (await self._access.identify(scope)).at(address_of(scope))
        scope["caller"] = caller
        with acting_for(caller):
            if caller.subject is None:
                await self._app(scope, receive, send)
                return
            logged = bind_contextvars(actor=caller.subject)
            try:
                await self._app(scope, receive, send)
            finally:
                reset_contextvars(**logged)


def address_of(scope: Scope) -> str | None:
    """The caller's network address; behind a proxy only if `HTTP_TRUSTED_PROXIES` names the proxy."""
    client = scope.get("client")
    return client[0] if client else None


def key_of(scope: Scope) -> str:
    """The key that all requests of one caller share: its subject, else its address, of IPv6 the network."""
    caller: Caller = scope["caller"]
    if caller.subject is not None:
        return f"subject {caller.subject}"
    host = caller.address or UNKNOWN
    return _network_of(host) if ":" in host else host


def _network_of(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _IPV6_PREFIX), strict=False))
