"""The route of a request."""

from fastapi import Request
from starlette.types import Scope

GROUPS = (READ, WRITE) = ("read", "write")
UNMATCHED = "(unmatched)"
# They change nothing, and their bodies mean nothing (RFC 9110, section 9.2.1 and 9.3).
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Requested every few seconds by machines: logs and traces of them would drown those of clients.
_PROBES = ("/health/", "/metrics")


def is_probe(path: str) -> bool:
    """Whether a path, or the template of one, is for probes and scrapes."""
    return path.startswith(_PROBES)


def group_of(method: str) -> str:
    """The group of routes that a request belongs to, each of which has a quota of its own."""
    return READ if method in SAFE_METHODS else WRITE


def route_template(scope: Scope) -> str:
    """The template of a request's path, never the path itself; known once the request was routed."""
    # `scope["route"]` lacks the prefix of the router that a route was included with; FastAPI's own context has it.
    context = scope.get("fastapi", {}).get("effective_route_context")
    template: str = getattr(context or scope.get("route"), "path_format", UNMATCHED)
    return template


def operation(scope: Scope) -> str:
    """The name of a request's operation, as in the API's document; that of its function if it has none there."""
    route = scope.get("route")
    name: str = getattr(route, "operation_id", None) or getattr(route, "name", None) or UNMATCHED
    return name


def allowed_methods(request: Request) -> str:
    """All methods of a path, for Allow (RFC 9110, section 10.2.1); the framework names those of one route only."""
    operations = request.app.openapi()["paths"].get(route_template(request.scope), {})
    return ", ".join(sorted(method.upper() for method in operations))
