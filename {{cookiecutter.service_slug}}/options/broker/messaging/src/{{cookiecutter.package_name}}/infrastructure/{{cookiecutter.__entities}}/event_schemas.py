"""The `data` of each event, with its version. Other services rely on it: `contracts/events` holds the agreed state.

A new optional field is a new minor version; readers of the older one ignore it. Any other change is a new major
version, published beside the old one until that has no readers. `docs/messages.md` describes the steps.
"""

from collections.abc import Sequence
from uuid import UUID

from chassis.messaging.contracts import EventSchema
from pydantic import BaseModel, Field

from ...domain.{{ cookiecutter.__entities }}.events import (
    {{ cookiecutter.__Entity }}Amended,
    {{ cookiecutter.__Entity }}Cancelled,
    {{ cookiecutter.__Entity }}Confirmed,
    {{ cookiecutter.__Entity }}Created,
    {{ cookiecutter.__Entity }}Event,
)


class EventData(BaseModel):
    """What every event of {{ cookiecutter.__a_noun }} carries."""

    id: UUID = Field(
        description="of the {{ cookiecutter.__noun }}, UUIDv7 (RFC 9562)",
        examples=["019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01"],
    )


class CreatedData(EventData):
    """A client created {{ cookiecutter.__a_noun }}."""

    reference: str = Field(description="the client's name for it", examples=["A-1001"])
    quantity: int = Field(description="number of pieces", examples=[3])


class AmendedData(CreatedData):
    """Its details changed; all of them are given, also those that stayed."""


class ConfirmedData(EventData):
    """It is binding."""


class CancelledData(EventData):
    """It was cancelled; nothing follows."""


def _id(event: {{ cookiecutter.__Entity }}Event) -> dict[str, object]:
    return {"id": str(event.id)}


def _details(event: {{ cookiecutter.__Entity }}Created | {{ cookiecutter.__Entity }}Amended) -> dict[str, object]:
    return {"id": str(event.id), "reference": event.reference.value, "quantity": event.quantity.value}


SCHEMAS: Sequence[EventSchema] = (
    EventSchema({{ cookiecutter.__Entity }}Created, CreatedData, _details),
    EventSchema({{ cookiecutter.__Entity }}Amended, AmendedData, _details),
    EventSchema({{ cookiecutter.__Entity }}Confirmed, ConfirmedData, _id),
    EventSchema({{ cookiecutter.__Entity }}Cancelled, CancelledData, _id),
)
