"""Permissions: declared at each route as its OpenAPI security requirement, and enforced from that declaration.

    router = PermittedRouter(prefix="/v1/invoices")

    @router.get("/{id}", openapi_extra=requires("invoices:read"))

A route is refused before its body is read. Errors follow RFC 6750, section 3.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from http import HTTPStatus
from typing import Any, Protocol
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route

from ..caller import Caller
from ..http import routes
from ..http.openapi import problem_responses

# The name of the security scheme in OpenAPI.
SCHEME = "bearer"
# Set by the authentication where a request brought credentials that are not accepted: the reason.
REFUSAL = "credentials_refused"
# Set where credentials cannot be checked now: the error.
FAILURE = "credentials_unchecked"
# Set by the authentication: how refusals are recorded.
RECORD = "chassis.record_refusal"
# The members of an operation that precede its permission in a document.
_FIRST = ("tags", "summary", "description", "operationId")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class RecordRefusal(Protocol):
    """Records a refusal; never raises. See `chassis.audit.trail.AuditTrail`."""

    async def __call__(self, action: str, reason: str, /, *, entity_id: str | None) -> None:
        """Record it."""
        ...


class UndeclaredPermission(Exception):
    """A route declares no permission, so it cannot be used."""

    def __init__(self, route: str) -> None:
        super().__init__(
            f'{route} declares no permission: give it `openapi_extra=requires("...")`, or `openapi_extra=public()` if '
            "everyone may use it, in a `PermittedRouter`"
        )


def requires(permission: str) -> dict[str, Any]:
    """The `openapi_extra` of a route whose callers need a permission, such as `invoices:read`."""
    return {"security": [{SCHEME: [permission]}]}


def public() -> dict[str, Any]:
    """The `openapi_extra` of a route that everyone may use."""
    return {"security": []}


def caller_of(request: Request) -> Caller:
    """The sender of a request."""
    caller: Caller = request.scope["caller"]
    return caller


class PermittedRoute(APIRoute):
    """Checks the permission that the route declares, before anything of the request is read."""

    def get_route_handler(self) -> Handler:
        """The framework's handler, behind the check."""
        handle = super().get_route_handler()
        permissions = declared(self)

        async def check_and_handle(request: Request) -> Response:
            if permissions is None:
                raise UndeclaredPermission(_name(self))
            for permission in permissions:
                refusal = _refusal(request, permission)
                if refusal is not None:
                    await _record(request, refusal)
                    raise refusal
            return await handle(request)

        return check_and_handle


class PermittedRouter(APIRouter):
    """A router whose routes check their permissions; takes what an APIRouter takes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=PermittedRoute, **options)


def declared(route: APIRoute) -> list[str] | None:
    """The permissions that a route declares; None if it declares nothing."""
    security = (route.openapi_extra or {}).get("security")
    if security is None:
        return None
    return [permission for requirement in security for permission in requirement[SCHEME]]


def verify(routes: Iterable[BaseRoute]) -> None:
    """Raise UndeclaredPermission, which names the route, unless each one says who may use it."""
    for route in _flattened(routes):
        if not isinstance(route, PermittedRoute) or declared(route) is None:
            raise UndeclaredPermission(_name(route))


def document(openapi: dict[str, Any]) -> None:
    """Add the security scheme to an OpenAPI document, and the refusals to each operation that needs a permission."""
    scheme = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token"}
    openapi["components"] = {"securitySchemes": {SCHEME: scheme}, **openapi["components"]}
    for operation in _operations(openapi):
        if operation.get("security"):
            refusals = problem_responses(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
            responses = {str(status): response for status, response in refusals.items()} | operation["responses"]
            # In an order in which a permission that is added adds lines and changes none.
            operation["responses"] = dict(sorted(responses.items()))
            rest = {name: operation.pop(name) for name in [*operation] if name not in _FIRST}
            operation |= {"security": rest.pop("security"), **rest}


def declared_permissions(openapi: dict[str, Any]) -> list[str]:
    """Every permission that an operation of a document needs."""
    return sorted(
        {
            permission
            for operation in _operations(openapi)
            for requirement in operation.get("security", ())
            for permission in requirement[SCHEME]
        }
    )


def _operations(openapi: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in openapi["paths"].values():
        yield from operations.values()


def _flattened(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Routers that were included in others too."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from _flattened(included.routes)


def _name(route: BaseRoute) -> str:
    if not isinstance(route, Route):
        return str(route)
    return f"{'/'.join(sorted(route.methods or ()))} {route.path}"


def _refusal(request: Request, permission: str) -> HTTPException | None:
    """Why the caller may not use the route; None if it may. Raises Unavailable if its credentials cannot be checked."""
    caller = caller_of(request)
    if caller.subject is None:
        if FAILURE in request.scope:
            raise request.scope[FAILURE]
        return HTTPException(
            HTTPStatus.UNAUTHORIZED.value,
            request.scope.get(REFUSAL) or "send an access token: `Authorization: Bearer ...`",
            {"www-authenticate": _challenge(request)},
        )
    if permission in caller.permissions:
        return None
    return HTTPException(
        HTTPStatus.FORBIDDEN.value,
        f"needs the permission {permission}",
        {"www-authenticate": f'Bearer error="insufficient_scope", scope="{permission}"'},
    )


async def _record(request: Request, refusal: HTTPException) -> None:
    """Record in the audit log what a known caller was refused; an unknown one is no actor."""
    record: RecordRefusal | None = request.scope.get(RECORD)
    if refusal.status_code == HTTPStatus.FORBIDDEN and record is not None:
        await record(routes.operation(request.scope), "insufficient-permission", entity_id=_id_in(request))


def _id_in(request: Request) -> str | None:
    """The id in the path, which nothing has validated yet."""
    try:
        return str(UUID(request.path_params.get("id", "")))
    except ValueError:
        return None


def _challenge(request: Request) -> str:
    """Without an error where the request brought no token (RFC 6750, section 3.1)."""
    reason = request.scope.get(REFUSAL)
    return "Bearer" if reason is None else f'Bearer error="invalid_token", error_description="{reason}"'
