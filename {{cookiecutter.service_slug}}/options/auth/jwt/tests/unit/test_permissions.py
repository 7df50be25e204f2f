"""Who may do what: each route asks for a permission, and refuses callers that lack it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import httpx2
import pytest
from chassis.auth.permissions import declared_permissions
from chassis.http.application import Service
from chassis.testing.http import problem, running

from {{ cookiecutter.package_name }}.api.permissions import ROLES
from {{ cookiecutter.package_name }}.bootstrap import create_service_in_memory
from {{ cookiecutter.package_name }}.config.settings import Settings

from tests.support.callers import SCOPE, headers_of

SOURCES = Path(__file__).parents[2] / "src"
# Routes with another permission than <resource>:read or <resource>:write, and those that everyone may use (None).
EXCEPTIONS: dict[str, str | None] = {
    "GET /health/live": None,
    "GET /health/ready": None,
    "GET /health/startup": None,
    "GET /info": None,
    "GET /metrics": None,
}


class Route(NamedTuple):
    """An operation of the OpenAPI document."""

    method: str
    path: str
    resource: str
    permission: str | None

    @property
    def name(self) -> str:
        """As it is listed above."""
        return f"{self.method} {self.path}"

    @property
    def expected(self) -> str | None:
        """The permission that it should ask for."""
        verb = "read" if self.method in {"GET", "HEAD"} else "write"
        return EXCEPTIONS.get(self.name, f"{self.resource}:{verb}")

    @property
    def url(self) -> str:
        """Its path with ids that do not exist."""
        return re.sub(r"{\w+}", str(uuid4()), self.path)


@pytest.fixture
def routes(service: Service) -> list[Route]:
    """Every route of the service."""
    return [*declared(service)]


def declared(service: Service) -> Iterator[Route]:
    """Each operation, with the permission that it asks for."""
    for path, operations in service.app.openapi()["paths"].items():
        for method, operation in operations.items():
            needed = [name for each in operation.get("security", ()) for names in each.values() for name in names]
            assert len(needed) <= 1, f"{method.upper()} {path} asks for several permissions: {needed}"
            yield Route(method.upper(), path, operation["tags"][0], *(needed or [None]))


def test_every_route_asks_for_the_permission_of_its_resource(routes: list[Route]) -> None:
    wrong = [
        f'{each.name} asks for {each.permission}: give it `openapi_extra=requires("{each.expected}")`, or list it in '
        f"EXCEPTIONS of {Path(__file__).name}"
        for each in routes
        if each.permission != each.expected
    ]
    assert not wrong, "\n".join(wrong)
    gone = EXCEPTIONS.keys() - {each.name for each in routes}
    assert not gone, f"there is no route {sorted(gone)}: remove it from EXCEPTIONS"


async def test_every_route_refuses_callers_without_a_token(settings: Settings, routes: list[Route]) -> None:
    async with running(create_service_in_memory(settings), raise_errors=True) as client:
        for each in routes:
            if each.permission is not None:
                refused = await client.request(each.method, each.url)
                assert problem(refused) == (401, "blank"), each.name
                assert refused.headers["www-authenticate"] == "Bearer"


async def test_every_route_refuses_callers_without_its_permission(
    client: httpx2.AsyncClient, routes: list[Route]
) -> None:
    every = {each.permission for each in routes if each.permission}
    for each in routes:
        if each.permission is not None:
            others = headers_of("without", " ".join([*(every - {each.permission}), f"{each.permission}s"]))
            refused = await client.request(each.method, each.url, headers=others)
            assert problem(refused) == (403, "blank"), each.name
            assert f'scope="{each.permission}"' in refused.headers["www-authenticate"]


async def test_its_permission_alone_opens_a_route(client: httpx2.AsyncClient, routes: list[Route]) -> None:
    for each in routes:
        allowed = headers_of("with", each.permission or "none")
        assert (await client.request(each.method, each.url, headers=allowed)).status_code not in {401, 403}, each.name


def test_roles_give_permissions_that_exist(service: Service) -> None:
    known = {*declared_permissions(service.app.openapi()), *named_in_code()}
    unknown = {f"{role}: {each}" for role, given in ROLES.items() for each in given - known}
    assert not unknown, f"no route asks for {sorted(unknown)}: remove it from ROLES in api/permissions.py"


def named_in_code() -> Iterator[str]:
    """Texts in the code that may be permissions, such as those of rules about one object."""
    for file in SOURCES.rglob("*.py"):
        if file.name != "permissions.py":
            yield from re.findall(r'"([\w-]+:[\w-]+)"', file.read_text(encoding="utf-8"))


def test_the_caller_of_the_tests_may_do_everything(service: Service) -> None:
    missing = {*declared_permissions(service.app.openapi())} - {*SCOPE.split()}
    assert not missing, f"add {sorted(missing)} to SCOPE in tests/support/callers.py"


async def test_the_documentation_has_a_button_to_authorize(service: Service) -> None:
    async with running(service) as client:
        assert (await client.get("/docs")).status_code == 200
        document = (await client.get("/openapi.json")).json()
    [(name, scheme)] = document["components"]["securitySchemes"].items()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    used = {name for path in document["paths"].values() for each in path.values() for name in security_of(each)}
    assert used == {name}


def security_of(operation: dict[str, list[dict[str, list[str]]]]) -> Iterator[str]:
    """The security schemes of an operation."""
    return (name for each in operation.get("security", ()) for name in each)
