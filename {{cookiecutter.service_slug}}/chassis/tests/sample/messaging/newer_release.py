"""The newer release of the sample seals a parcel when it is confirmed, which is an event type of its own."""

from dataclasses import dataclass
from typing import ClassVar

from chassis.identity import utc_now
from chassis.messaging.contracts import EventCatalog, EventSchema
from tests.sample.api import confirm_now
from tests.sample.domain.parcels import Parcel, ParcelEvent
from tests.sample.messaging.contracts import CATALOG, ParcelData


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelSealed(ParcelEvent):
    """A parcel was sealed; its state has no field for that."""

    action: ClassVar[str] = "sealed"


def _sealed(event: ParcelSealed) -> dict[str, object]:
    return {"id": str(event.id)}


def seal_and_confirm(parcel: Parcel) -> None:
    """Confirm a parcel as the newer release does, in one transaction."""
    parcel.record(ParcelSealed(id=parcel.id, version=parcel.version + 1, occurred_at=utc_now()))
    confirm_now(parcel)


def catalog() -> EventCatalog:
    """The event types of the newer release."""
    schemas = [*(type.schema for type in CATALOG.types), EventSchema(ParcelSealed, ParcelData, _sealed)]
    return EventCatalog(CATALOG.service_name, schemas)
