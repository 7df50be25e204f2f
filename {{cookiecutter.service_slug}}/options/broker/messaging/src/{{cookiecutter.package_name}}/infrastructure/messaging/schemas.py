"""What events carry in `data`, each with its version. Others build on it: `contracts/events` holds the agreed state.

A new optional field is a new minor version, and whoever reads the older one goes on. Everything else is a new major
version, published beside the old one for as long as somebody reads that. `docs/messages.md` goes through it.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from ...domain import events as domain

SOURCE = "/{{ cookiecutter.service_slug }}"
PREFIX = "{{ cookiecutter.service_slug }}.{{ cookiecutter.__kind }}"


class EventData(BaseModel):
    """What every event says."""

    id: UUID = Field(
        description="of the {{ cookiecutter.__noun }}, UUIDv7 (RFC 9562)",
        examples=["019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01"],
    )


class CreatedData(EventData):
    """Somebody asked for {{ cookiecutter.__a_noun }}."""

    reference: str = Field(description="the client's name for it", examples=["A-1001"])
    quantity: int = Field(description="number of pieces", examples=[3])


class AmendedData(CreatedData):
    """Its details were changed; all of them are given, also those that stayed."""


class ConfirmedData(EventData):
    """It is binding now."""


class CancelledData(EventData):
    """It was called off; nothing follows."""


def _id_alone(event: domain.{{ cookiecutter.__Entity }}Event) -> dict[str, object]:
    return {"id": str(event.id)}


def _details(
    event: domain.{{ cookiecutter.__Entity }}Created | domain.{{ cookiecutter.__Entity }}Amended,
) -> dict[str, object]:
    return {"id": str(event.id), "reference": event.reference.value, "quantity": event.quantity.value}


@dataclass(frozen=True)
class EventSchema:
    """How an event looks on the wire.

    Args:
        event: what has happened.
        data: the model of `data`.
        fill: makes `data`, as JSON values, from the event.
        major: readers that know another one must not read it.
        minor: counts what was added since.
    """

    event: type[domain.{{ cookiecutter.__Entity }}Event]
    data: type[EventData]
    fill: Callable[[Any], dict[str, object]]
    major: int = 1
    minor: int = 0

    @cached_property
    def type(self) -> str:
        """`<service>.<entity>.<action>`, from the second major version on with `-v2`: who reads the first goes on."""
        return f"{PREFIX}.{self.event.action}" + (f"-v{self.major}" if self.major > 1 else "")

    @cached_property
    def dataschema(self) -> str:
        """Names the schema, with its version (CloudEvents 1.0)."""
        return f"urn:event-schema:{self.type}:{self.major}.{self.minor}"


SCHEMAS: Sequence[EventSchema] = (
    EventSchema(domain.{{ cookiecutter.__Entity }}Created, CreatedData, _details),
    EventSchema(domain.{{ cookiecutter.__Entity }}Amended, AmendedData, _details),
    EventSchema(domain.{{ cookiecutter.__Entity }}Confirmed, ConfirmedData, _id_alone),
    EventSchema(domain.{{ cookiecutter.__Entity }}Cancelled, CancelledData, _id_alone),
)


def by_event(schemas: Sequence[EventSchema]) -> Mapping[type, Sequence[EventSchema]]:
    """In how many ways each kind of event is published: in one, or in one for each major version."""
    grouped: dict[type, list[EventSchema]] = defaultdict(list)
    for schema in schemas:
        grouped[schema.event].append(schema)
    return grouped
