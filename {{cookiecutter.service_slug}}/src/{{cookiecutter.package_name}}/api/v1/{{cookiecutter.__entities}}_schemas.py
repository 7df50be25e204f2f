"""Requests and responses of the resource; separate from the domain so that both can change."""

from datetime import datetime
from typing import Annotated, Self, cast
from uuid import UUID

from chassis.domain import Page
from chassis.http.paging import encode_cursor
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...domain.{{ cookiecutter.__entities }}.model import {{ cookiecutter.__Entity }}
from ...domain.{{ cookiecutter.__entities }}.use_cases import {{ cookiecutter.__Entity }}Changes
from ...domain.{{ cookiecutter.__entities }}.values import (
    QUANTITY_MAX,
    REFERENCE_MAX_LENGTH,
    REFERENCE_PATTERN,
    Status,
)

ReferenceText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=REFERENCE_MAX_LENGTH,
        pattern=REFERENCE_PATTERN,
        description="Your name for the {{ cookiecutter.__noun }}",
        examples=["A-1001"],
    ),
]
QuantityNumber = Annotated[int, Field(strict=True, ge=1, le=QUANTITY_MAX, description="Number of pieces", examples=[3])]


class {{ cookiecutter.__Entity }}Draft(BaseModel):
    """What is needed for a new one."""

    model_config = ConfigDict(extra="forbid")

    reference: ReferenceText
    quantity: QuantityNumber


class {{ cookiecutter.__Entity }}Amendment(BaseModel):
    """What may change until it is confirmed; fields left out keep their value."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1})

    # Left out is not the same as null: the factories only stand for "not sent" and never reach the domain. A field that
    # may be cleared is declared as `Text | None = None`.
    reference: ReferenceText = Field(default_factory=str)
    quantity: QuantityNumber = Field(default_factory=int)

    @model_validator(mode="after")
    def names_a_field(self) -> Self:
        """An empty amendment is a mistake of the caller."""
        if not self.model_fields_set:
            raise ValueError("name at least one field to change")
        return self

    def changes(self) -> {{ cookiecutter.__Entity }}Changes:
        """Only the fields that were sent, null included."""
        return cast({{ cookiecutter.__Entity }}Changes, self.model_dump(exclude_unset=True))


class {{ cookiecutter.__Entity }}Representation(BaseModel):
    """As clients see it."""

    id: UUID = Field(description="UUIDv7 (RFC 9562)", examples=["019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01"])
    reference: str = Field(examples=["A-1001"])
    quantity: int = Field(examples=[3])
    status: Status
    version: int = Field(description="Counts every change; also the ETag", examples=[1])
    created_at: datetime = Field(examples=["2026-01-31T09:30:00.123456Z"])
    updated_at: datetime = Field(examples=["2026-01-31T09:30:00.123456Z"])

    @classmethod
    def of(cls, shown: {{ cookiecutter.__Entity }}) -> "{{ cookiecutter.__Entity }}Representation":
        """From the aggregate; the domain has validated it already."""
        return cls.model_construct(
            id=shown.id,
            reference=shown.reference.value,
            quantity=shown.quantity.value,
            status=shown.status,
            version=shown.version,
            created_at=shown.created_at,
            updated_at=shown.updated_at,
        )


class {{ cookiecutter.__Entity }}Page(BaseModel):
    """One page of a list, newest first."""

    items: list[{{ cookiecutter.__Entity }}Representation]
    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page; null on the last one",
        examples=["AZqePHoQfD6fXSsdakyOAQ"],
    )

    @classmethod
    def of(cls, page: Page[{{ cookiecutter.__Entity }}]) -> "{{ cookiecutter.__Entity }}Page":
        """From the aggregates of a page."""
        return cls.model_construct(
            items=[{{ cookiecutter.__Entity }}Representation.of(each) for each in page.items],
            next_cursor=encode_cursor(page.items[-1].id) if page.more else None,
        )
