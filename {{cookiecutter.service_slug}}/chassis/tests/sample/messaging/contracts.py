"""The events of the sample as they are published."""

from uuid import UUID

from pydantic import BaseModel, Field

from chassis.messaging.contracts import EventCatalog, EventSchema
from tests.sample.domain.labels import LabelPrinted
from tests.sample.domain.parcels import ParcelAmended, ParcelCancelled, ParcelConfirmed, ParcelCreated

SERVICE_NAME = "warehouse-service"


class ParcelData(BaseModel):
    """A parcel was confirmed or cancelled."""

    id: UUID = Field(description="of the parcel, UUIDv7 (RFC 9562)", examples=["019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01"])


class ParcelDetails(ParcelData):
    """A parcel was created or amended."""

    reference: str = Field(description="the customer's name for it", examples=["A-1001"])
    quantity: int = Field(description="number of pieces", examples=[3])


class LabelData(BaseModel):
    """A label was printed."""

    id: UUID = Field(description="of the label, UUIDv7 (RFC 9562)", examples=["019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e03"])
    text: str = Field(description="what is printed on it", examples=["fragile"])


def _id(event: ParcelConfirmed | ParcelCancelled) -> dict[str, object]:
    return {"id": str(event.id)}


def _details(event: ParcelCreated | ParcelAmended) -> dict[str, object]:
    return {"id": str(event.id), "reference": event.reference.value, "quantity": event.quantity.value}


def _label(event: LabelPrinted) -> dict[str, object]:
    return {"id": str(event.id), "text": event.text}


CATALOG = EventCatalog(
    SERVICE_NAME,
    [
        EventSchema(ParcelCreated, ParcelDetails, _details),
        EventSchema(ParcelAmended, ParcelDetails, _details),
        EventSchema(ParcelConfirmed, ParcelData, _id),
        EventSchema(ParcelCancelled, ParcelData, _id),
        EventSchema(LabelPrinted, LabelData, _label),
    ],
)
