"""What has happened to an aggregate: facts in the past tense that never change."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from .values import Quantity, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class {{ cookiecutter.__Entity }}Event:
    """One change; `version` is the aggregate's version after it, `occurred_at` is in UTC."""

    action: ClassVar[str]

    id: UUID
    version: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class {{ cookiecutter.__Entity }}Created({{ cookiecutter.__Entity }}Event):
    """Somebody asked for {{ cookiecutter.__a_noun }}."""

    action: ClassVar[str] = "created"

    reference: Reference
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class {{ cookiecutter.__Entity }}Amended({{ cookiecutter.__Entity }}Event):
    """Its details were changed before it was confirmed; both hold the values from now on."""

    action: ClassVar[str] = "amended"

    reference: Reference
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class {{ cookiecutter.__Entity }}Confirmed({{ cookiecutter.__Entity }}Event):
    """It is binding now."""

    action: ClassVar[str] = "confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class {{ cookiecutter.__Entity }}Cancelled({{ cookiecutter.__Entity }}Event):
    """It was called off; nothing follows."""

    action: ClassVar[str] = "cancelled"
