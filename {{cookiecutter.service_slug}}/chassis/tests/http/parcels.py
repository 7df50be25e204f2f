"""A small API over the sample's parcels, in memory."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, TypeVar
from uuid import UUID

import httpx2
from fastapi import APIRouter, FastAPI, Query, Request, Response
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware import Middleware

from chassis.database.memory import MemoryDatabase
from chassis.database.port import DatabaseTransaction, TransactionRunner
from chassis.http.application import Service, create_api
from chassis.http.commands import Commands, Key, StoredResponse
from chassis.http.lifecycle import Lifecycle
from chassis.http.openapi import ETAG, LOCATION, REPLAYED, problem_responses, succeeds
from chassis.http.operations import Check, Health, Info
from chassis.http.paging import decode_cursor, encode_cursor
from chassis.http.preconditions import IfMatch, etag, expected_versions
from chassis.http.problems import ProblemKind
from chassis.http.settings import HttpSettings
from chassis.identity import new_id, utc_now
from chassis.service import ServiceIdentity
from chassis.settings import ServiceSettings
from tests.sample.domain.parcels import Parcel, Quantity, Reference, Status
from tests.sample.storage.memory import MemoryParcels

URL = "/v1/parcels"
DRAFT = {"reference": "A-1001", "quantity": 3}
T = TypeVar("T")
IDENTITY = ServiceIdentity("warehouse-service", "Warehouse Service", "1.2.3", "Stores parcels.")


class ParcelDraft(BaseModel):
    """The body of a request that creates a parcel."""

    model_config = ConfigDict(extra="forbid")

    reference: str = Field(min_length=1, max_length=64)
    quantity: int = Field(strict=True, ge=1, le=1_000_000)


class ParcelAmendment(BaseModel):
    """The body of a request that changes one."""

    quantity: int = Field(strict=True, ge=1, le=1_000_000)


class ParcelRepresentation(BaseModel):
    """A parcel as clients see it."""

    id: UUID
    reference: str
    quantity: int
    status: Status
    version: int

    @classmethod
    def of(cls, parcel: Parcel) -> "ParcelRepresentation":
        """The aggregate as it is sent."""
        return cls(
            id=parcel.id,
            reference=parcel.reference.value,
            quantity=parcel.quantity.value,
            status=parcel.status,
            version=parcel.version,
        )


class ParcelPage(BaseModel):
    """One page of a list."""

    items: list[ParcelRepresentation]
    next_cursor: str | None


def stored_response(parcel: Parcel, status: HTTPStatus = HTTPStatus.OK) -> StoredResponse:
    """The response that shows a parcel."""
    headers = {"etag": etag(parcel.version)}
    if status is HTTPStatus.CREATED:
        headers["location"] = f"{URL}/{parcel.id}"
    return StoredResponse(status, headers, ParcelRepresentation.of(parcel).model_dump_json())


def create_router(commands: Commands, parcels: MemoryParcels) -> APIRouter:
    """The resource."""
    router = APIRouter(prefix=URL, tags=["parcels"])
    add_creation(router, commands, parcels)
    add_queries(router, parcels)
    add_changes(router, commands, parcels)
    return router


def add_changes(router: APIRouter, commands: Commands, parcels: MemoryParcels) -> None:
    """Commands on a parcel."""

    async def change(
        request: Request, key: str | None, id: UUID, if_match: str | None, step: Callable[[Parcel], None]
    ) -> Response:
        expected = expected_versions(if_match)

        async def command(transaction: DatabaseTransaction) -> StoredResponse:
            repository = parcels.within(transaction)
            parcel = await repository.get(id)
            parcel.require_version(expected)
            step(parcel)
            await repository.save(parcel)
            return stored_response(parcel)

        return await commands.run(request, key, command)

    @router.patch("/{id}", response_model=ParcelRepresentation)
    async def amend(
        id: UUID, request: Request, body: ParcelAmendment, if_match: IfMatch = None, key: Key = None
    ) -> Response:
        return await change(
            request, key, id, if_match, lambda parcel: parcel.amend(quantity=Quantity(body.quantity), at=utc_now())
        )

    @router.post("/{id}/confirm", response_model=ParcelRepresentation)
    async def confirm(id: UUID, request: Request, if_match: IfMatch = None, key: Key = None) -> Response:
        return await change(request, key, id, if_match, lambda parcel: parcel.confirm(at=utc_now()))

    @router.post("/{id}/cancel", response_model=ParcelRepresentation)
    async def cancel(id: UUID, request: Request, if_match: IfMatch = None, key: Key = None) -> Response:
        return await change(request, key, id, if_match, lambda parcel: parcel.cancel(at=utc_now()))


def add_creation(router: APIRouter, commands: Commands, parcels: MemoryParcels) -> None:
    """A new parcel."""

    @router.post(
        "",
        status_code=HTTPStatus.CREATED,
        response_model=ParcelRepresentation,
        responses=succeeds(HTTPStatus.CREATED, LOCATION, ETAG, REPLAYED) | problem_responses(400, 409, 413, 422, 503),
    )
    async def create(request: Request, body: ParcelDraft, key: Key = None) -> Response:
        async def command(transaction: DatabaseTransaction) -> StoredResponse:
            reference, quantity = Reference(body.reference), Quantity(body.quantity)
            parcel = Parcel.create(id=new_id(), reference=reference, quantity=quantity, at=utc_now())
            await parcels.within(transaction).add(parcel)
            return stored_response(parcel, HTTPStatus.CREATED)

        return await commands.run(request, key, command)


def add_queries(router: APIRouter, parcels: MemoryParcels) -> None:
    """Reads."""

    @router.get("", response_model=ParcelPage, responses=problem_responses(422, 503))
    async def list_page(
        status: Status | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
    ) -> Response:
        found = await parcels.page(status, decode_cursor(cursor), limit + 1)
        more = len(found) > limit
        page = ParcelPage(
            items=[ParcelRepresentation.of(each) for each in found[:limit]],
            next_cursor=encode_cursor(found[limit - 1].id) if more else None,
        )
        return Response(page.model_dump_json(), media_type="application/json")

    @router.get(
        "/{id}", response_model=ParcelRepresentation, responses=succeeds(HTTPStatus.OK, ETAG) | problem_responses(404)
    )
    async def get(id: UUID) -> Response:
        return stored_response(await parcels.find(id)).response()


class DirectTransactions:
    """Runs each step once, without retries."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def run(self, step: Callable[[DatabaseTransaction], Awaitable[T]]) -> T:
        """Run a step in a transaction and commit it."""
        async with self._database.begin() as transaction:
            return await step(transaction)


@asynccontextmanager
async def empty_lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Nothing to open."""
    yield


def create_service(
    *,
    database: MemoryDatabase | None = None,
    transactions: TransactionRunner | None = None,
    routers: Sequence[APIRouter] = (),
    middleware: Sequence[Middleware] = (),
    checks: Mapping[str, Check] | None = None,
    optional: Sequence[str] = (),
    timeout_seconds: float = 10,
    problems: Mapping[type[Exception], ProblemKind] | None = None,
) -> Service:
    """The application of the sample's service.

    Args:
        database: of the parcels.
        transactions: where commands run.
        routers: in addition to that of the parcels.
        middleware: of the service.
        checks: of its dependencies.
        optional: dependencies that requests do not need.
        timeout_seconds: limit of each request.
        problems: how errors of the service's own are answered.
    """
    database = database or MemoryDatabase()
    commands = Commands(transactions or DirectTransactions(database), utc_now)
    lifecycle = Lifecycle()
    build = ServiceSettings(build_commit="4f2a9c1", build_time="unknown")
    app = create_api(
        IDENTITY,
        health=Health(lifecycle, {"database": database.check} if checks is None else checks, 0.05, optional),
        info=Info.of(IDENTITY, build, {"database": database.kind}),
        registry=CollectorRegistry(),
        limits=HttpSettings(timeout_seconds=timeout_seconds),
        lifespan=empty_lifespan,
        routers=[create_router(commands, MemoryParcels(database)), *routers],
        middleware=middleware,
        problems=problems,
    )
    return Service(app, lifecycle)


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[httpx2.AsyncClient]:
    """Start a service inside the block; requests need no network."""
    transport = httpx2.ASGITransport(app=service.app)
    async with (
        service.app.router.lifespan_context(service.app),
        httpx2.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        yield client


def problem(response: httpx2.Response) -> tuple[int, str]:
    """Status and kind of a problem document."""
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["correlation_id"] == response.headers["x-correlation-id"]
    return response.status_code, document["type"].rpartition(":")[2]


async def create(client: httpx2.AsyncClient) -> str:
    """The URL of a new parcel."""
    response = await client.post(URL, json=DRAFT)
    assert response.status_code == 201
    return response.headers["location"]
