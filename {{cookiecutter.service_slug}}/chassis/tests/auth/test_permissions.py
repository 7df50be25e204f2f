"""A route that does not say who may use it is a mistake, and nobody may use it."""

import pytest
from fastapi import APIRouter, Request

from chassis.auth import PermittedRouter, UndeclaredPermission, public, requires
from chassis.auth.permissions import verify


async def answer(request: Request) -> str:
    """Any route."""
    return request.method


def test_a_route_without_a_permission_is_named() -> None:
    router = PermittedRouter(prefix="/v1/invoices")
    router.get("/{id}", openapi_extra=requires("invoices:read"))(answer)
    router.get("", openapi_extra=public())(answer)
    verify(router.routes)
    router.post("/{id}/pay")(answer)
    with pytest.raises(UndeclaredPermission, match=r"POST /v1/invoices/\{id\}/pay declares no permission: give it"):
        verify(router.routes)


def test_a_router_that_would_not_check_is_refused() -> None:
    router = APIRouter()
    router.get("/v1/invoices", openapi_extra=requires("invoices:read"))(answer)
    with pytest.raises(UndeclaredPermission, match="in a `PermittedRouter`"):
        verify(router.routes)


def test_routers_within_routers_are_checked_too() -> None:
    inner, outer = PermittedRouter(), APIRouter(prefix="/v1")
    inner.get("/invoices", openapi_extra=requires("invoices:read"))(answer)
    outer.include_router(inner)
    verify(outer.routes)
    inner.delete("/invoices")(answer)
    with pytest.raises(UndeclaredPermission, match="DELETE /invoices"):
        verify(outer.routes)
