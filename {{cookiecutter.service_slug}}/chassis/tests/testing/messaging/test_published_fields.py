"""A field of an event that no message carries is named with the remedy."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field

from chassis.domain import DomainEvent
from chassis.identity import new_id
from chassis.messaging.contracts import EventCatalog, EventSchema
from chassis.testing.messaging import assert_fields_are_published


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePaid(DomainEvent):
    """An invoice was paid."""

    aggregate: ClassVar[str] = "invoice"
    action: ClassVar[str] = "paid"

    cents: int
    note: str | None


class Cents(BaseModel):
    """What the first version has."""

    cents: int = Field(examples=[500])


class PaidData(Cents):
    """Everything that the event has."""

    note: str | None = Field(None, examples=["thank you"])


def paid(note: str | None = "thank you") -> InvoicePaid:
    """An event."""
    return InvoicePaid(id=new_id(), version=1, occurred_at=datetime(2026, 1, 31, tzinfo=UTC), cents=500, note=note)


def fill(event: InvoicePaid) -> dict[str, object]:
    """Every field."""
    return {"cents": event.cents, "note": event.note}


def forgetful(event: InvoicePaid) -> dict[str, object]:
    """Valid data, because the note is optional."""
    return {"cents": event.cents}


def catalog(data: type[BaseModel] = PaidData, fill: Callable[[Any], dict[str, object]] = fill) -> EventCatalog:
    """With one schema."""
    return EventCatalog("billing-service", [EventSchema(InvoicePaid, data, fill)])


def test_accepts_events_whose_fields_are_all_published() -> None:
    assert_fields_are_published(catalog(), [paid()])


def test_a_field_is_set_at_least_once() -> None:
    assert_fields_are_published(catalog(), [paid(), paid(note=None)])
    with pytest.raises(AssertionError, match=r"InvoicePaid\.note is never set: let InvoicePaid happen with `note`"):
        assert_fields_are_published(catalog(), [paid(note=None)])


def test_names_a_field_without_a_place_in_the_data() -> None:
    remedy = 'InvoicePaid.note is not in Cents: add it, or list "InvoicePaid.note" in `unpublished`'
    with pytest.raises(AssertionError, match=remedy):
        assert_fields_are_published(catalog(Cents), [paid()])
    assert_fields_are_published(catalog(Cents), [paid()], unpublished=["InvoicePaid.note"])


def test_names_a_field_that_is_left_out_of_a_message() -> None:
    remedy = "InvoicePaid.note is set, but the function that fills PaidData leaves it out: add it there"
    with pytest.raises(AssertionError, match=remedy):
        assert_fields_are_published(catalog(fill=forgetful), [paid()])


def test_names_a_listed_field_that_does_not_exist() -> None:
    with pytest.raises(AssertionError, match=r"InvoicePaid\.card is listed in `unpublished`, but no event has"):
        assert_fields_are_published(catalog(), [paid()], unpublished=["InvoicePaid.card"])


def test_an_older_major_version_need_not_have_every_field() -> None:
    old, new = EventSchema(InvoicePaid, Cents, forgetful), EventSchema(InvoicePaid, PaidData, fill, major=2)
    assert_fields_are_published(EventCatalog("billing-service", [new, old]), [paid()])


def test_a_field_may_have_an_alias() -> None:
    class Data(Cents):
        note: str | None = Field(None, examples=["thank you"], serialization_alias="remark")

    assert_fields_are_published(catalog(Data, lambda event: {"cents": 1, "remark": event.note}), [paid()])


def test_an_event_that_does_not_happen_is_not_judged() -> None:
    assert_fields_are_published(catalog(fill=forgetful), [])
