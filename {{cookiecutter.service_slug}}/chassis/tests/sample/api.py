"""The API of the sample: parcels with everything that a resource has, and labels."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from chassis.database.port import DatabaseTransaction
from chassis.domain import Transaction
from chassis.http.commands import Commands, Key, StoredResponse
from chassis.http.openapi import ETAG, LOCATION, REPLAYED, problem_responses, succeeds
from chassis.http.paging import decode_cursor, encode_cursor
from chassis.http.preconditions import IfMatch, etag, expected_versions
from chassis.identity import new_id, utc_now
from tests.sample.domain.labels import Label, Labels
from tests.sample.domain.parcels import Parcel, Parcels, Quantity, Reference, Status

URL = "/v1/parcels"
LABELS_URL = "/v1/labels"


class ParcelStore(Protocol):
    """Reads parcels, and binds them to a transaction."""

    def within(self, transaction: Transaction) -> Parcels:
        """The parcels within a transaction."""
        ...

    async def find(self, id: UUID) -> Parcel:
        """Read one. Raises NotFound."""
        ...

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Sequence[Parcel]:
        """The newest first, those after a given id."""
        ...


class LabelStore(Protocol):
    """Binds labels to a transaction."""

    def within(self, transaction: Transaction) -> Labels:
        """The labels within a transaction."""
        ...


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


def confirm_now(parcel: Parcel) -> None:
    """Confirm a parcel."""
    parcel.confirm(at=utc_now())


def create_router(
    commands: Commands, parcels: ParcelStore, confirm: Callable[[Parcel], None] = confirm_now
) -> APIRouter:
    """The resource; `confirm` is what confirming a parcel does."""
    router = APIRouter(prefix=URL, tags=["parcels"])
    add_creation(router, commands, parcels)
    add_queries(router, parcels)
    add_changes(router, commands, parcels, confirm)
    return router


def add_changes(
    router: APIRouter, commands: Commands, parcels: ParcelStore, confirm_parcel: Callable[[Parcel], None]
) -> None:
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
        return await change(request, key, id, if_match, confirm_parcel)

    @router.post("/{id}/cancel", response_model=ParcelRepresentation)
    async def cancel(id: UUID, request: Request, if_match: IfMatch = None, key: Key = None) -> Response:
        return await change(request, key, id, if_match, lambda parcel: parcel.cancel(at=utc_now()))


def add_creation(router: APIRouter, commands: Commands, parcels: ParcelStore) -> None:
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


def add_queries(router: APIRouter, parcels: ParcelStore) -> None:
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


class LabelDraft(BaseModel):
    """The body of a request that prints a label."""

    text: str = Field(min_length=1, max_length=64)


class LabelRepresentation(BaseModel):
    """A label as clients see it."""

    id: UUID
    text: str
    version: int


def create_labels_router(commands: Commands, labels: LabelStore) -> APIRouter:
    """The second resource."""
    router = APIRouter(prefix=LABELS_URL, tags=["labels"])

    @router.post("", status_code=HTTPStatus.CREATED, response_model=LabelRepresentation)
    async def print_label(request: Request, body: LabelDraft, key: Key = None) -> Response:
        async def command(transaction: DatabaseTransaction) -> StoredResponse:
            label = Label.print(id=new_id(), text=body.text, at=utc_now())
            await labels.within(transaction).add(label)
            shown = LabelRepresentation(id=label.id, text=label.text, version=label.version)
            return StoredResponse(HTTPStatus.CREATED, {"etag": etag(label.version)}, shown.model_dump_json())

        return await commands.run(request, key, command)

    return router
