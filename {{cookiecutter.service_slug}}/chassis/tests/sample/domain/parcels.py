"""Parcel: an aggregate with values, a life cycle and several events."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol, Self
from uuid import UUID

from chassis.domain import Aggregate, DomainEvent, InvalidTransition, InvalidValue

REFERENCE_MAX_LENGTH = 64
QUANTITY_MAX = 1_000_000
_reference = re.compile(r"[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?\Z")


class Status(StrEnum):
    """Where a parcel is in its life cycle."""

    CREATED = "created"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Reference:
    """The customer's name for a parcel: 1 to 64 visible characters."""

    value: str

    def __post_init__(self) -> None:
        if len(self.value) > REFERENCE_MAX_LENGTH or not _reference.match(self.value):
            raise InvalidValue("reference", f"must be 1 to {REFERENCE_MAX_LENGTH} visible characters")


@dataclass(frozen=True, slots=True)
class Quantity:
    """Number of pieces: 1 to 1,000,000."""

    value: int

    def __post_init__(self) -> None:
        if not 1 <= self.value <= QUANTITY_MAX:
            raise InvalidValue("quantity", f"must be 1 to {QUANTITY_MAX}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelEvent(DomainEvent):
    """A change to a parcel."""

    aggregate: ClassVar[str] = "parcel"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelCreated(ParcelEvent):
    """A parcel was created."""

    action: ClassVar[str] = "created"

    reference: Reference
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelAmended(ParcelEvent):
    """Its details were changed; both fields hold the new values."""

    action: ClassVar[str] = "amended"

    reference: Reference
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelConfirmed(ParcelEvent):
    """It is binding."""

    action: ClassVar[str] = "confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelCancelled(ParcelEvent):
    """It was cancelled; nothing follows."""

    action: ClassVar[str] = "cancelled"


EVENTS: tuple[type[ParcelEvent], ...] = (ParcelCreated, ParcelAmended, ParcelConfirmed, ParcelCancelled)
DECISIONS: tuple[type[ParcelEvent], ...] = (ParcelConfirmed, ParcelCancelled)


@dataclass(slots=True, kw_only=True)
class Parcel(Aggregate[ParcelEvent]):
    """Created, then confirmed, and cancelled before or after that."""

    noun: ClassVar[str] = "parcel"

    reference: Reference
    quantity: Quantity
    status: Status = Status.CREATED

    @classmethod
    def create(cls, *, id: UUID, reference: Reference, quantity: Quantity, at: datetime) -> Self:
        """A new parcel at version 1."""
        event = ParcelCreated(id=id, version=1, occurred_at=at, reference=reference, quantity=quantity)
        created = cls(id=id, version=1, created_at=at, updated_at=at, reference=reference, quantity=quantity)
        created.record(event)
        return created

    def amend(self, *, reference: Reference | None = None, quantity: Quantity | None = None, at: datetime) -> None:
        """Change details while it is `created`; None keeps a value, and equal values change nothing."""
        self._require("amended", Status.CREATED)
        reference, quantity = reference or self.reference, quantity or self.quantity
        if (reference, quantity) != (self.reference, self.quantity):
            self.record(
                ParcelAmended(
                    id=self.id, version=self.version + 1, occurred_at=at, reference=reference, quantity=quantity
                )
            )

    def confirm(self, *, at: datetime) -> None:
        """Make it binding."""
        self._require("confirmed", Status.CREATED)
        self.record(ParcelConfirmed(id=self.id, version=self.version + 1, occurred_at=at))

    def cancel(self, *, at: datetime) -> None:
        """Cancel it, before or after it was confirmed."""
        self._require("cancelled", Status.CREATED, Status.CONFIRMED)
        self.record(ParcelCancelled(id=self.id, version=self.version + 1, occurred_at=at))

    def apply(self, event: ParcelEvent) -> None:
        """Change the state as an event describes."""
        match event:
            case ParcelAmended() | ParcelCreated():
                self.reference, self.quantity = event.reference, event.quantity
            case ParcelConfirmed():
                self.status = Status.CONFIRMED
            case ParcelCancelled():
                self.status = Status.CANCELLED

    def _require(self, step: str, *allowed: Status) -> None:
        if self.status not in allowed:
            raise InvalidTransition(self.noun, step, self.status, self.version)


class Parcels(Protocol):
    """The parcels within one transaction."""

    async def add(self, new: Parcel) -> None:
        """Store a new one."""
        ...

    async def get(self, id: UUID) -> Parcel:
        """Load one to change it. Raises NotFound."""
        ...

    async def save(self, changed: Parcel) -> None:
        """Store a changed one. Raises VersionConflict if another transaction was faster."""
        ...


def expected(parcel: Parcel) -> Collection[int]:
    """What a caller that has just read it would send as If-Match."""
    return {parcel.version}
