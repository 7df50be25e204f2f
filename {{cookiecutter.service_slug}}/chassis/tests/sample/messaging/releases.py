"""Two releases of the sample: the newer one seals a parcel when it is confirmed, which is an event type of its own."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from chassis.domain import DomainEvent
from chassis.identity import utc_now
from chassis.messaging.contracts import EventCatalog, EventSchema
from tests.sample.api import confirm_now
from tests.sample.domain import labels, parcels
from tests.sample.domain.parcels import Parcel, ParcelEvent
from tests.sample.messaging.contracts import CATALOG, ParcelData

RELEASE, NEWER = "SAMPLE_RELEASE", "newer"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The parts in which the releases differ."""

    events: tuple[type[DomainEvent], ...]
    catalog: EventCatalog
    confirm: Callable[[Parcel], None]


def release() -> Release:
    """The release that the environment asks for: the older one by default."""
    events: tuple[type[DomainEvent], ...] = (*parcels.EVENTS, *labels.EVENTS)
    if os.environ.get(RELEASE) != NEWER:
        return Release(events=events, catalog=CATALOG, confirm=confirm_now)
    schemas = [*(type.schema for type in CATALOG.types), EventSchema(ParcelSealed, ParcelData, _sealed)]
    catalog = EventCatalog(CATALOG.service_name, schemas)
    return Release(events=(*events, ParcelSealed), catalog=catalog, confirm=seal_and_confirm)
