"""How events are named, several major versions of one, and what a catalog reports as forgotten."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from pydantic import BaseModel, Field

from chassis.domain import DomainEvent
from chassis.identity import new_id
from chassis.messaging.contracts import EventCatalog, EventSchema, EventSerializer, parse_envelope
from chassis.messaging.contracts.json_schema import documents
from chassis.messaging.port import channel_of
from chassis.testing.messaging import assert_catalog_is_complete
from tests.sample.domain.labels import LabelEvent, LabelPrinted
from tests.sample.domain.parcels import ParcelEvent
from tests.sample.messaging.contracts import CATALOG

CHANNEL = "billing-service.invoice"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceEvent(DomainEvent):
    """A change to an invoice."""

    aggregate: ClassVar[str] = "invoice"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePaid(InvoiceEvent):
    """An invoice was paid."""

    action: ClassVar[str] = "paid"

    cents: int


class PaidData(BaseModel):
    """The first version."""

    cents: int = Field(examples=[500])


class Money(BaseModel):
    """Amount and currency."""

    amount: int


class NewPaidData(BaseModel):
    """The second version."""

    money: Money = Field(examples=[{"amount": 500}])


OLD = EventSchema(InvoicePaid, PaidData, lambda event: {"cents": event.cents}, minor=4)
NEW = EventSchema(InvoicePaid, NewPaidData, lambda event: {"money": {"amount": event.cents}}, major=2, minor=3)
BOTH = EventCatalog("billing-service", [OLD, NEW])
EVENT = InvoicePaid(id=new_id(), version=1, occurred_at=datetime(2026, 1, 31, 9, 30, tzinfo=UTC), cents=500)


def test_types_name_service_aggregate_and_action_and_schemas_the_version() -> None:
    old, new = BOTH.types
    assert (old.name, new.name) == (f"{CHANNEL}.paid", f"{CHANNEL}.paid-v2")
    assert old.dataschema == f"urn:event-schema:{CHANNEL}.paid:1.4"
    assert new.dataschema == f"urn:event-schema:{CHANNEL}.paid-v2:2.3"


def test_events_of_different_aggregates_have_different_channels() -> None:
    assert {type.channel for type in CATALOG.types} == {"warehouse-service.parcel", "warehouse-service.shipping-label"}
    assert all(channel_of(type.name) == type.channel for type in CATALOG.types)


def test_both_major_versions_are_published_as_separate_events_in_the_same_channel() -> None:
    messages = EventSerializer(BOTH, new_id)(EVENT)
    assert [message.type for message in messages] == [type.name for type in BOTH.types]
    assert len({message.id for message in messages}) == 2
    assert {(message.key, channel_of(message.type)) for message in messages} == {(str(EVENT.id), CHANNEL)}
    old, new = (parse_envelope(message.body) for message in messages)
    assert (old.major, old.data) == (1, {"cents": 500})
    assert (new.major, new.data) == (2, {"money": {"amount": 500}})
    assert old.time == new.time
    assert old.subject == new.subject == str(EVENT.id)


def test_each_major_version_has_a_file_of_its_own() -> None:
    assert set(documents(BOTH)) == {f"{CHANNEL}.paid.v1.json", f"{CHANNEL}.paid.v2.json", "cloudevent.json"}


def test_two_schemas_for_the_same_type_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two schemas for billing-service\.invoice\.paid: raise `major` of one"):
        EventCatalog("billing-service", [OLD, OLD])


def test_an_event_without_a_schema_is_named_with_the_remedy() -> None:
    catalog = EventCatalog("billing-service", [])
    remedy = "InvoicePaid has no schema: add EventSchema(InvoicePaid, ...) to the service's event catalog"
    assert catalog.missing([InvoicePaid]) == [InvoicePaid]
    assert catalog.problems([InvoicePaid]) == [remedy]
    with pytest.raises(LookupError) as refused:
        EventSerializer(catalog, new_id)(EVENT)
    assert refused.value.args == (remedy,)


def test_a_field_without_an_example_is_named_with_the_remedy() -> None:
    class Data(BaseModel):
        cents: int

    catalog = EventCatalog("billing-service", [EventSchema(InvoicePaid, Data, lambda _: {})])
    assert catalog.problems() == ["Data.cents has no example: give its Field `examples=[...]`; the contracts show it"]


def test_an_event_without_a_reader_is_named_with_the_remedy() -> None:
    assert BOTH.problems([InvoicePaid], [[f"{CHANNEL}.paid"]]) == [
        f"{CHANNEL}.paid-v2 has no reader: add a handler for it to the subscription that handles the others"
    ]


def test_a_service_asserts_that_nothing_was_forgotten() -> None:
    assert_catalog_is_complete(CATALOG, events=[ParcelEvent, LabelEvent], history=CATALOG.by_name)
    schemas = [each.schema for each in CATALOG.types if each.schema.event is not LabelPrinted]
    with pytest.raises(AssertionError, match="LabelPrinted has no schema"):
        assert_catalog_is_complete(
            EventCatalog("warehouse-service", schemas), events=[ParcelEvent, LabelEvent], history=CATALOG.by_name
        )
