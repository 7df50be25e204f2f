"""The resource `/v1/{{ cookiecutter.__resource }}`: reads go to the queries, changes run as commands."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from ...domain.model import {{ cookiecutter.__Entity }}
from ...domain.ports import Queries, UnitOfWork
from ...domain.values import Status
from ..commands import Answer, Commands
from ..openapi import ETAG, LOCATION, REPLAYED, answers, problems
from ..pagination import decode_cursor
from ..preconditions import etag, expected_versions
from .schemas import (
    {{ cookiecutter.__Entity }}Amendment,
    {{ cookiecutter.__Entity }}Draft,
    {{ cookiecutter.__Entity }}Page,
    {{ cookiecutter.__Entity }}Representation,
)

router = APIRouter(prefix="/v1/{{ cookiecutter.__resource }}", tags=["{{ cookiecutter.__resource }}"])


# Coroutines, because FastAPI sends plain functions through a thread for every request.
async def _commands(request: Request) -> Commands:
    commands: Commands = request.app.state.commands
    return commands


async def _queries(request: Request) -> Queries:
    queries: Queries = request.app.state.queries
    return queries


CommandsDependency = Annotated[Commands, Depends(_commands)]
QueriesDependency = Annotated[Queries, Depends(_queries)]
IfMatch = Annotated[
    str | None,
    Header(max_length=256, description="The ETag you last read, or `*` for any; a change without it is refused"),
]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="Any unique text; repeat it with the same request to be sure of one effect and the same answer",
    ),
]


def _answer(shown: {{ cookiecutter.__Entity }}, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    headers = {"etag": etag(shown.version)}
    if status is HTTPStatus.CREATED:
        headers["location"] = f"/v1/{{ cookiecutter.__resource }}/{shown.id}"
    return Answer(status, headers, {{ cookiecutter.__Entity }}Representation.of(shown).model_dump_json())


def _changing(
    change: Callable[[UnitOfWork], Awaitable[{{ cookiecutter.__Entity }}]],
) -> Callable[[UnitOfWork], Awaitable[Answer]]:
    async def command(work: UnitOfWork) -> Answer:
        return _answer(await change(work))

    return command


@router.post(
    "",
    operation_id="create_{{ cookiecutter.__entity }}",
    summary="Create {{ cookiecutter.__a_noun }}",
    status_code=HTTPStatus.CREATED,
    response_model={{ cookiecutter.__Entity }}Representation,
    responses=answers(HTTPStatus.CREATED, LOCATION, ETAG, REPLAYED) | problems(400, 409, 413, 422, 503),
)
async def create(
    request: Request,
    body: {{ cookiecutter.__Entity }}Draft,
    commands: CommandsDependency,
    key: Key = None,
) -> Response:
    """Takes on a new {{ cookiecutter.__noun }} in status `created`."""

    async def command(work: UnitOfWork) -> Answer:
        return _answer(await commands.use_cases.create(work, body.reference, body.quantity), HTTPStatus.CREATED)

    return await commands.run(request, key, command)


@router.get(
    "",
    operation_id="list_{{ cookiecutter.__entities }}",
    summary="List {{ cookiecutter.__nouns }}",
    response_model={{ cookiecutter.__Entity }}Page,
    responses=problems(422, 503),
)
async def list_page(
    queries: QueriesDependency,
    status: Annotated[Status | None, Query(description="Only those in this status")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many at most")] = 50,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before")] = None,
) -> Response:
    """Newest first; follow `next_cursor` until it is null."""
    page = await queries.page(status, decode_cursor(cursor), limit)
    return Response({{ cookiecutter.__Entity }}Page.of(page).model_dump_json(), media_type="application/json")


@router.get(
    "/{id}",
    operation_id="get_{{ cookiecutter.__entity }}",
    summary="Get {{ cookiecutter.__a_noun }}",
    response_model={{ cookiecutter.__Entity }}Representation,
    responses=answers(HTTPStatus.OK, ETAG) | problems(404, 422, 503),
)
async def get(id: UUID, queries: QueriesDependency) -> Response:
    """The {{ cookiecutter.__noun }} as it is now, with its ETag."""
    return _answer(await queries.find(id)).response()


@router.patch(
    "/{id}",
    operation_id="amend_{{ cookiecutter.__entity }}",
    summary="Amend {{ cookiecutter.__a_noun }}",
    response_model={{ cookiecutter.__Entity }}Representation,
    responses=answers(HTTPStatus.OK, ETAG, REPLAYED) | problems(400, 404, 409, 412, 413, 422, 428, 503),
)
async def amend(
    id: UUID,
    request: Request,
    body: {{ cookiecutter.__Entity }}Amendment,
    commands: CommandsDependency,
    if_match: IfMatch = None,
    key: Key = None,
) -> Response:
    """Changes details while the status is `created`."""
    expected = expected_versions(if_match)
    changes = body.model_dump(exclude_unset=True)
    change = _changing(lambda work: commands.use_cases.amend(work, id, expected, **changes))
    return await commands.run(request, key, change)


@router.post(
    "/{id}/confirm",
    operation_id="confirm_{{ cookiecutter.__entity }}",
    summary="Confirm {{ cookiecutter.__a_noun }}",
    response_model={{ cookiecutter.__Entity }}Representation,
    responses=answers(HTTPStatus.OK, ETAG, REPLAYED) | problems(404, 409, 412, 413, 422, 428, 503),
)
async def confirm(
    id: UUID,
    request: Request,
    commands: CommandsDependency,
    if_match: IfMatch = None,
    key: Key = None,
) -> Response:
    """Makes it binding; possible while the status is `created`."""
    expected = expected_versions(if_match)
    return await commands.run(request, key, _changing(lambda work: commands.use_cases.confirm(work, id, expected)))


@router.post(
    "/{id}/cancel",
    operation_id="cancel_{{ cookiecutter.__entity }}",
    summary="Cancel {{ cookiecutter.__a_noun }}",
    response_model={{ cookiecutter.__Entity }}Representation,
    responses=answers(HTTPStatus.OK, ETAG, REPLAYED) | problems(404, 409, 412, 413, 422, 428, 503),
)
async def cancel(
    id: UUID,
    request: Request,
    commands: CommandsDependency,
    if_match: IfMatch = None,
    key: Key = None,
) -> Response:
    """Calls it off, before or after it was confirmed."""
    expected = expected_versions(if_match)
    return await commands.run(request, key, _changing(lambda work: commands.use_cases.cancel(work, id, expected)))
