"""The aggregate: commands check the rules and record an event, `apply` alone changes state.

Because of that split the same aggregate can be stored as a row or rebuilt from its events.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self
from uuid import UUID

from .errors import InvalidTransition, VersionConflict
from .events import (
    {{ cookiecutter.__Entity }}Amended,
    {{ cookiecutter.__Entity }}Cancelled,
    {{ cookiecutter.__Entity }}Confirmed,
    {{ cookiecutter.__Entity }}Created,
    {{ cookiecutter.__Entity }}Event,
)
from .values import Quantity, Reference, Status


@dataclass(slots=True, kw_only=True)
class {{ cookiecutter.__Entity }}:
    """{{ cookiecutter.__a_noun | capitalize }}: created, then confirmed, and cancelled before or after that."""

    id: UUID
    reference: Reference
    quantity: Quantity
    status: Status
    version: int
    created_at: datetime
    updated_at: datetime
    _recorded: list[{{ cookiecutter.__Entity }}Event] = field(
        default_factory=list,
        init=False,
        repr=False,
        compare=False,
    )

    @classmethod
    def create(cls, id: UUID, reference: Reference, quantity: Quantity, at: datetime) -> Self:
        """Begin the life of {{ cookiecutter.__a_noun }} at version 1."""
        event = {{ cookiecutter.__Entity }}Created(
            id=id,
            version=1,
            occurred_at=at,
            reference=reference,
            quantity=quantity,
        )
        created = cls.from_created(event)
        created._recorded.append(event)  # noqa: SLF001 - still inside the class
        return created

    @classmethod
    def from_created(cls, event: {{ cookiecutter.__Entity }}Created) -> Self:
        """The state that the first event brings about."""
        return cls(
            id=event.id,
            reference=event.reference,
            quantity=event.quantity,
            status=Status.CREATED,
            version=event.version,
            created_at=event.occurred_at,
            updated_at=event.occurred_at,
        )

    def amend(self, reference: Reference | None, quantity: Quantity | None, at: datetime) -> None:
        """Change details while nothing is binding; None keeps a value, and equal values change nothing."""
        self._require("amended", Status.CREATED)
        reference, quantity = reference or self.reference, quantity or self.quantity
        if (reference, quantity) != (self.reference, self.quantity):
            self._record(
                {{ cookiecutter.__Entity }}Amended(
                    id=self.id,
                    version=self.version + 1,
                    occurred_at=at,
                    reference=reference,
                    quantity=quantity,
                )
            )

    def confirm(self, at: datetime) -> None:
        """Make it binding."""
        self._require("confirmed", Status.CREATED)
        self._record({{ cookiecutter.__Entity }}Confirmed(id=self.id, version=self.version + 1, occurred_at=at))

    def cancel(self, at: datetime) -> None:
        """Call it off, before or after it was confirmed."""
        self._require("cancelled", Status.CREATED, Status.CONFIRMED)
        self._record({{ cookiecutter.__Entity }}Cancelled(id=self.id, version=self.version + 1, occurred_at=at))

    def apply(self, event: {{ cookiecutter.__Entity }}Event) -> None:
        """Take over what an event says. Never refuses: what has happened has happened."""
        match event:
            case {{ cookiecutter.__Entity }}Amended():
                self.reference, self.quantity = event.reference, event.quantity
            case {{ cookiecutter.__Entity }}Confirmed():
                self.status = Status.CONFIRMED
            case {{ cookiecutter.__Entity }}Cancelled():
                self.status = Status.CANCELLED
        self.version = event.version
        self.updated_at = event.occurred_at

    def require_version(self, expected: Collection[int] | None) -> None:
        """Refuse with VersionConflict unless the caller has seen this version; None accepts any."""
        if expected is not None and self.version not in expected:
            raise VersionConflict(self.version)

    @property
    def stored_version(self) -> int:
        """The version that storage holds, as long as the recorded events are not written."""
        return self.version - len(self._recorded)

    def take_events(self) -> list[{{ cookiecutter.__Entity }}Event]:
        """Hand over what was recorded, once: the unit of work writes it together with the state."""
        events, self._recorded = self._recorded, []
        return events

    def _require(self, step: str, *allowed: Status) -> None:
        if self.status not in allowed:
            raise InvalidTransition(step, self.status, self.version)

    def _record(self, event: {{ cookiecutter.__Entity }}Event) -> None:
        self.apply(event)
        self._recorded.append(event)
