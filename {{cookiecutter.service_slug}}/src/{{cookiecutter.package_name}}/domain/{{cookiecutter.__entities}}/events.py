"""Facts about {{ cookiecutter.__nouns }}, in the past tense; they never change."""

from dataclasses import dataclass
from typing import ClassVar

from chassis.domain import DomainEvent

from .values import Quantity, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class {{ cookiecutter.__Entity }}Event(DomainEvent):
    """A change to {{ cookiecutter.__a_noun }}."""

    aggregate: ClassVar[str] = "{{ cookiecutter.__kind }}"


@dataclass(frozen=True, slots=True, kw_only=True)
class {{ cookiecutter.__Entity }}Created({{ cookiecutter.__Entity }}Event):
    """A client created {{ cookiecutter.__a_noun }}."""

    action: ClassVar[str] = "created"

    reference: Reference
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class {{ cookiecutter.__Entity }}Amended({{ cookiecutter.__Entity }}Event):
    """Its details changed before it was confirmed; all fields hold the new values."""

    action: ClassVar[str] = "amended"

    reference: Reference
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class {{ cookiecutter.__Entity }}Confirmed({{ cookiecutter.__Entity }}Event):
    """It is binding."""

    action: ClassVar[str] = "confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class {{ cookiecutter.__Entity }}Cancelled({{ cookiecutter.__Entity }}Event):
    """It was cancelled; nothing follows."""

    action: ClassVar[str] = "cancelled"


EVENTS: tuple[type[{{ cookiecutter.__Entity }}Event], ...] = (
    {{ cookiecutter.__Entity }}Created,
    {{ cookiecutter.__Entity }}Amended,
    {{ cookiecutter.__Entity }}Confirmed,
    {{ cookiecutter.__Entity }}Cancelled,
)
# The metric of ages at a decision is observed for these.
DECISIONS: tuple[type[{{ cookiecutter.__Entity }}Event], ...] = (
    {{ cookiecutter.__Entity }}Confirmed,
    {{ cookiecutter.__Entity }}Cancelled,
)
