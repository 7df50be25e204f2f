"""What travels over the wire in version 1; kept apart from the domain so that both can change."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...domain.model import {{ cookiecutter.__Entity }}
from ...domain.ports import Page
from ...domain.values import QUANTITY_MAX, REFERENCE_MAX_LENGTH, REFERENCE_PATTERN, Status
from ..pagination import encode_cursor

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
    """What is needed for a new {{ cookiecutter.__noun }}."""

    model_config = ConfigDict(extra="forbid")

    reference: ReferenceText
    quantity: QuantityNumber


class {{ cookiecutter.__Entity }}Amendment(BaseModel):
    """What may change until the {{ cookiecutter.__noun }} is confirmed; fields left out keep their value."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1})

    # Left out is not the same as null: the factories only stand for "not sent" and never reach the domain.
    reference: ReferenceText = Field(default_factory=str)
    quantity: QuantityNumber = Field(default_factory=int)

    @model_validator(mode="after")
    def something_changes(self) -> Self:
        """An empty change is a mistake of the caller."""
        if not self.model_fields_set:
            raise ValueError("name at least one field to change")
        return self


class {{ cookiecutter.__Entity }}Representation(BaseModel):
    """{{ cookiecutter.__a_noun | capitalize }} as clients see it."""

    id: UUID = Field(description="UUIDv7 (RFC 9562)", examples=["019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01"])
    reference: str = Field(examples=["A-1001"])
    quantity: int = Field(examples=[3])
    status: Status
    version: int = Field(description="Counts every change; also the ETag", examples=[1])
    created_at: datetime = Field(examples=["2026-01-31T09:30:00.123456Z"])
    updated_at: datetime = Field(examples=["2026-01-31T09:30:00.123456Z"])

    @classmethod
    def of(cls, shown: {{ cookiecutter.__Entity }}) -> "{{ cookiecutter.__Entity }}Representation":
        """The aggregate for the wire; the domain has validated it already."""
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
    def of(cls, page: Page) -> "{{ cookiecutter.__Entity }}Page":
        """The page for the wire."""
        return cls.model_construct(
            items=[{{ cookiecutter.__Entity }}Representation.of(each) for each in page.items],
            next_cursor=None if page.next is None else encode_cursor(page.next),
        )
