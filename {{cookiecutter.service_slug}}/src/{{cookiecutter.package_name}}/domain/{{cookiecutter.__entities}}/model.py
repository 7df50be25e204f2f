"""The aggregate: commands check its invariants and record an event; only `apply` changes state."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from chassis.domain import Aggregate, InvalidTransition

from .events import (
    {{ cookiecutter.__Entity }}Amended,
    {{ cookiecutter.__Entity }}Cancelled,
    {{ cookiecutter.__Entity }}Confirmed,
    {{ cookiecutter.__Entity }}Created,
    {{ cookiecutter.__Entity }}Event,
)
from .values import Quantity, Reference, Status


@dataclass(slots=True, kw_only=True)
class {{ cookiecutter.__Entity }}(Aggregate[{{ cookiecutter.__Entity }}Event]):
    """Created, then confirmed, and cancelled before or after that."""

    noun: ClassVar[str] = "{{ cookiecutter.__noun }}"

    reference: Reference
    quantity: Quantity
    status: Status = Status.CREATED

    @classmethod
    def create(cls, *, id: UUID, reference: Reference, quantity: Quantity, at: datetime) -> Self:
        """A new one at version 1."""
        new = cls(id=id, version=1, created_at=at, updated_at=at, reference=reference, quantity=quantity)
        event = {{ cookiecutter.__Entity }}Created(
            id=id,
            version=1,
            occurred_at=at,
            reference=reference,
            quantity=quantity,
        )
        new.record(event)
        return new

    def amend(self, *, reference: Reference, quantity: Quantity, at: datetime) -> None:
        """Change details while it is `created`; equal values change nothing."""
        self._require("amended", Status.CREATED)
        if (reference, quantity) == (self.reference, self.quantity):
            return
        event = {{ cookiecutter.__Entity }}Amended(
            id=self.id,
            version=self.version + 1,
            occurred_at=at,
            reference=reference,
            quantity=quantity,
        )
        self.record(event)

    def confirm(self, *, at: datetime) -> None:
        """Make it binding."""
        self._require("confirmed", Status.CREATED)
        self.record({{ cookiecutter.__Entity }}Confirmed(id=self.id, version=self.version + 1, occurred_at=at))

    def cancel(self, *, at: datetime) -> None:
        """Cancel it, before or after it was confirmed."""
        self._require("cancelled", Status.CREATED, Status.CONFIRMED)
        self.record({{ cookiecutter.__Entity }}Cancelled(id=self.id, version=self.version + 1, occurred_at=at))

    def apply(self, event: {{ cookiecutter.__Entity }}Event) -> None:
        """Change the state as an event describes. Never refuses: the event has already happened."""
        match event:
            case {{ cookiecutter.__Entity }}Created() | {{ cookiecutter.__Entity }}Amended():
                self.reference, self.quantity = event.reference, event.quantity
            case {{ cookiecutter.__Entity }}Confirmed():
                self.status = Status.CONFIRMED
            case {{ cookiecutter.__Entity }}Cancelled():
                self.status = Status.CANCELLED
            case _:
                raise TypeError(f"{type(event).__name__} changes nothing: add a case for it to `apply`")

    def _require(self, step: str, *allowed: Status) -> None:
        if self.status not in allowed:
            raise InvalidTransition(self.noun, step, self.status, self.version)
