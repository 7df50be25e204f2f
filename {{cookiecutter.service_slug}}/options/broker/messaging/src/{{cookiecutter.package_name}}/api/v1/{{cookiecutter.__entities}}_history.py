{% from "slots.jinja" import slot with context -%}
"""The history of {{ cookiecutter.__a_noun }}: a projection of the service's own events."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

{{ slot("api/imports") }}from chassis.http.openapi import problem_responses
from chassis.messaging.history import History, HistoryEntry
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from ...domain.{{ cookiecutter.__entities }}.events import {{ cookiecutter.__Entity }}Event
from ...domain.{{ cookiecutter.__entities }}.ports import {{ cookiecutter.__Entity }}Store

LIMIT = 1000


class {{ cookiecutter.__Entity }}EventRepresentation(BaseModel):
    """One event as it was published."""

    event_id: UUID = Field(examples=["019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e02"])
    type: str = Field(examples=["{{ cookiecutter.service_slug }}.{{ cookiecutter.__kind }}.confirmed"])
    version: int = Field(description="Version of the {{ cookiecutter.__noun }} after it", examples=[2])
    occurred_at: datetime = Field(examples=["2026-01-31T09:30:00.123456Z"])
    data: dict[str, Any]

    @classmethod
    def of(cls, entry: HistoryEntry) -> "{{ cookiecutter.__Entity }}EventRepresentation":
        """From an entry of the history."""
        return cls.model_construct(
            event_id=entry.event_id,
            type=entry.type,
            version=entry.version,
            occurred_at=entry.occurred_at,
            data=dict(entry.data),
        )


class {{ cookiecutter.__Entity }}History(BaseModel):
    """Events by version. An event appears a moment after the change, once it was published and consumed."""

    items: list[{{ cookiecutter.__Entity }}EventRepresentation]


def create_router(history: History, store: {{ cookiecutter.__Entity }}Store) -> APIRouter:
    """The route.

    Args:
        history: what is read.
        store: tells {{ cookiecutter.__a_noun }} without history from one that does not exist.
    """
    router = {{ "PermittedRouter" if cookiecutter.auth != "none" else "APIRouter" }}(prefix="/v1/{{ cookiecutter.__resource }}", tags=["{{ cookiecutter.__resource }}"])

    @router.get(
        "/{id}/history",
        operation_id="get_{{ cookiecutter.__entity }}_history",
        summary="Get the history of {{ cookiecutter.__a_noun }}",
{{ slot("api/requires-read") }}        response_model={{ cookiecutter.__Entity }}History,
        responses=problem_responses(404, 422, 503),
    )
    async def get_history(
        id: UUID,
        after: Annotated[int, Query(ge=0, le=2**31 - 1, description="Only later versions than this")] = 0,
        limit: Annotated[int, Query(ge=1, le=LIMIT, description="How many at most")] = LIMIT,
    ) -> Response:
        """Every event, by version."""
        entries = await history.entries({{ cookiecutter.__Entity }}Event.aggregate, id, after, limit)
        if not entries:
            await store.find(id)
        items = [{{ cookiecutter.__Entity }}EventRepresentation.of(entry) for entry in entries]
        shown = {{ cookiecutter.__Entity }}History.model_construct(items=items)
        return Response(shown.model_dump_json(), media_type="application/json")

    return router
