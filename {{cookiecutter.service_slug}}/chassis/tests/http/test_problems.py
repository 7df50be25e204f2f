"""Problem types carry the service's name; a service adds kinds of its own."""

import httpx2
from fastapi import APIRouter

from chassis.domain import DomainError, NotFound
from chassis.http.problems import ProblemKind
from chassis.identity import new_id
from chassis.testing.http import problem, running
from tests.sample.api import URL

from .parcels import create_service


class CreditExceeded(DomainError):
    """A rule of one service."""


class Gone(NotFound):
    """A more special case of an error that every service has."""


own = APIRouter()


@own.get("/credit")
async def refuse() -> None:
    raise CreditExceeded("the customer has no credit left")


@own.get("/gone")
async def gone() -> None:
    raise Gone("parcel", new_id())


async def test_the_type_carries_the_name_of_the_service(client: httpx2.AsyncClient) -> None:
    missing = await client.get(f"{URL}/019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01")
    assert missing.json()["type"] == "urn:problem-type:warehouse-service:not-found"


async def test_a_service_answers_its_own_errors() -> None:
    service = create_service(routers=[own], problems={CreditExceeded: ProblemKind(409, "credit-exceeded")})
    async with running(service) as client:
        refused = await client.get("/credit")
        assert problem(refused) == (409, "credit-exceeded")
        assert refused.json()["detail"] == "the customer has no credit left"
        assert problem(await client.get("/gone")) == (404, "not-found")


async def test_an_error_of_no_kind_is_a_server_error() -> None:
    async with running(create_service(routers=[own])) as client:
        assert problem(await client.get("/credit")) == (500, "blank")
