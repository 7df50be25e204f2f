{% from "slots.jinja" import slot with context -%}
"""`/v1/{{ cookiecutter.__resource }}`: reads go to the store, changes run through the pipeline of commands."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

{{ slot("api/imports") }}from chassis.domain import Transaction
from chassis.http.commands import Commands, Key, StoredResponse
from chassis.http.openapi import ETAG, LOCATION, REPLAYED, problem_responses, succeeds
from chassis.http.paging import decode_cursor
from chassis.http.preconditions import IfMatch, etag, expected_versions
from fastapi import APIRouter, Query, Request, Response

from ...domain.{{ cookiecutter.__entities }}.model import {{ cookiecutter.__Entity }}
from ...domain.{{ cookiecutter.__entities }}.ports import {{ cookiecutter.__Entity }}Store
from ...domain.{{ cookiecutter.__entities }}.use_cases import {{ cookiecutter.__Entity }}UseCases
from ...domain.{{ cookiecutter.__entities }}.values import Status
from .{{ cookiecutter.__entities }}_schemas import (
    {{ cookiecutter.__Entity }}Amendment,
    {{ cookiecutter.__Entity }}Draft,
    {{ cookiecutter.__Entity }}Page,
    {{ cookiecutter.__Entity }}Representation,
)

Step = Callable[[Transaction], Awaitable[StoredResponse]]


def create_router(
    commands: Commands,
    store: {{ cookiecutter.__Entity }}Store,
    use_cases: {{ cookiecutter.__Entity }}UseCases,
) -> APIRouter:
    """The routes.

    Args:
        commands: runs each change once, in one transaction.
        store: where {{ cookiecutter.__nouns }} are.
        use_cases: what is done with them.
    """
    router = {{ "PermittedRouter" if cookiecutter.auth != "none" else "APIRouter" }}(prefix="/v1/{{ cookiecutter.__resource }}", tags=["{{ cookiecutter.__resource }}"])

    @router.post(
        "",
        operation_id="create_{{ cookiecutter.__entity }}",
        summary="Create {{ cookiecutter.__a_noun }}",
{{ slot("api/requires-write") }}        status_code=HTTPStatus.CREATED,
        response_model={{ cookiecutter.__Entity }}Representation,
        responses=succeeds(HTTPStatus.CREATED, LOCATION, ETAG, REPLAYED) | problem_responses(400, 409, 413, 422, 503),
    )
    async def create(request: Request, body: {{ cookiecutter.__Entity }}Draft, key: Key = None) -> Response:
        """Creates {{ cookiecutter.__a_noun }} in status `created`."""

        async def step(transaction: Transaction) -> StoredResponse:
            created = await use_cases.create(
                store.within(transaction),
                reference=body.reference,
                quantity=body.quantity,
            )
            return _response(created, HTTPStatus.CREATED, {"location": f"{router.prefix}/{created.id}"})

        return await commands.run(request, key, step)

    @router.get(
        "",
        operation_id="list_{{ cookiecutter.__entities }}",
        summary="List {{ cookiecutter.__nouns }}",
{{ slot("api/requires-read") }}        response_model={{ cookiecutter.__Entity }}Page,
        responses=problem_responses(422, 503),
    )
    async def list_page(
        status: Annotated[Status | None, Query(description="Only those in this status")] = None,
        limit: Annotated[int, Query(ge=1, le=100, description="How many at most")] = 50,
        cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before")] = None,
    ) -> Response:
        """Newest first; follow `next_cursor` until it is null."""
        page = await store.page(status, decode_cursor(cursor), limit)
        return Response({{ cookiecutter.__Entity }}Page.of(page).model_dump_json(), media_type="application/json")

    @router.get(
        "/{id}",
        operation_id="get_{{ cookiecutter.__entity }}",
        summary="Get {{ cookiecutter.__a_noun }}",
{{ slot("api/requires-read") }}        response_model={{ cookiecutter.__Entity }}Representation,
        responses=succeeds(HTTPStatus.OK, ETAG) | problem_responses(404, 422, 503),
    )
    async def get(id: UUID) -> Response:
        """The present state, with its ETag."""
        return _response(await store.find(id)).response()

    @router.patch(
        "/{id}",
        operation_id="amend_{{ cookiecutter.__entity }}",
        summary="Amend {{ cookiecutter.__a_noun }}",
{{ slot("api/requires-write") }}        response_model={{ cookiecutter.__Entity }}Representation,
        responses=succeeds(HTTPStatus.OK, ETAG, REPLAYED) | problem_responses(400, 404, 409, 412, 413, 422, 428, 503),
    )
    async def amend(
        id: UUID,
        request: Request,
        body: {{ cookiecutter.__Entity }}Amendment,
        if_match: IfMatch = None,
        key: Key = None,
    ) -> Response:
        """Changes details while the status is `created`."""
        expected = expected_versions(if_match)
        changes = body.changes()
        step = _step(lambda transaction: use_cases.amend(store.within(transaction), id, expected, **changes))
        return await commands.run(request, key, step)

    @router.post(
        "/{id}/confirm",
        operation_id="confirm_{{ cookiecutter.__entity }}",
        summary="Confirm {{ cookiecutter.__a_noun }}",
{{ slot("api/requires-write") }}        response_model={{ cookiecutter.__Entity }}Representation,
        responses=succeeds(HTTPStatus.OK, ETAG, REPLAYED) | problem_responses(400, 404, 409, 412, 413, 422, 428, 503),
    )
    async def confirm(id: UUID, request: Request, if_match: IfMatch = None, key: Key = None) -> Response:
        """Makes it binding; possible while the status is `created`."""
        expected = expected_versions(if_match)
        step = _step(lambda transaction: use_cases.confirm(store.within(transaction), id, expected))
        return await commands.run(request, key, step)

    @router.post(
        "/{id}/cancel",
        operation_id="cancel_{{ cookiecutter.__entity }}",
        summary="Cancel {{ cookiecutter.__a_noun }}",
{{ slot("api/requires-write") }}        response_model={{ cookiecutter.__Entity }}Representation,
        responses=succeeds(HTTPStatus.OK, ETAG, REPLAYED) | problem_responses(400, 404, 409, 412, 413, 422, 428, 503),
    )
    async def cancel(id: UUID, request: Request, if_match: IfMatch = None, key: Key = None) -> Response:
        """Cancels it, before or after it was confirmed."""
        expected = expected_versions(if_match)
        step = _step(lambda transaction: use_cases.cancel(store.within(transaction), id, expected))
        return await commands.run(request, key, step)

    return router


def _step(change: Callable[[Transaction], Awaitable[{{ cookiecutter.__Entity }}]]) -> Step:
    """A change, answered with the new state."""

    async def step(transaction: Transaction) -> StoredResponse:
        return _response(await change(transaction))

    return step


def _response(
    shown: {{ cookiecutter.__Entity }},
    status: HTTPStatus = HTTPStatus.OK,
    headers: dict[str, str] | None = None,
) -> StoredResponse:
    body = {{ cookiecutter.__Entity }}Representation.of(shown).model_dump_json()
    return StoredResponse(status, {"etag": etag(shown.version), **(headers or {})}, body)
