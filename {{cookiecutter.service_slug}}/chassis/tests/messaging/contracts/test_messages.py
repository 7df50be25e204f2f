"""Serialized events are valid by the JSON Schemas, and the CloudEvents SDK reads them; and the other way round."""

import json
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jsonschema
import pytest
import referencing
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1 import event as sdk
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.domain import DomainEvent, InvalidValue
from chassis.identity import new_id
from chassis.messaging.contracts import EventSerializer, parse_envelope
from chassis.messaging.contracts.attributes import ALWAYS_SENT, attributes
from chassis.messaging.contracts.json_schema import ENVELOPE_FILE, documents
from chassis.messaging.correlation import CorrelationContext, correlated
from tests.sample.domain.labels import Label
from tests.sample.domain.parcels import Parcel, Quantity, Reference
from tests.sample.messaging.contracts import CATALOG

NOW = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CONTEXTS = [
    None,
    CorrelationContext("call-7", "call-7"),
    CorrelationContext("call-7", "event-1", TRACE),
    CorrelationContext("call-7", "event-1", TRACE, "a=1"),
]


def validator() -> jsonschema.Draft202012Validator:
    """Validates a message by the files that other teams have."""
    files = json.loads(json.dumps(documents(CATALOG)))
    resources = ((each["$id"], referencing.Resource.from_contents(each)) for each in files.values())
    return jsonschema.Draft202012Validator(
        files[ENVELOPE_FILE],
        registry=referencing.Registry().with_resources(resources),
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )


VALIDATOR = validator()
serialize = EventSerializer(CATALOG, new_id)


def all_events(reference: Reference, quantity: Quantity, id: UUID | None = None) -> list[DomainEvent]:
    """Every event of both aggregates."""
    parcel = Parcel.create(id=id or new_id(), reference=reference, quantity=quantity, at=NOW)
    parcel.amend(reference=Reference("another"), quantity=Quantity(7), at=NOW)
    parcel.confirm(at=NOW)
    parcel.cancel(at=NOW)
    return [*parcel.take_events(), *Label.print(id=id or new_id(), text="fragile", at=NOW).take_events()]


EVENTS = all_events(Reference("A-1001"), Quantity(3))


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event.aggregate}-{event.action}")
def test_messages_are_valid_by_the_schemas(event: DomainEvent, context: CorrelationContext | None) -> None:
    with correlated(context) if context else nullcontext():
        [message] = serialize(event)
    sent = json.loads(message.body)
    VALIDATOR.validate(sent)
    assert set(ALWAYS_SENT) <= set(sent) <= set(attributes(CATALOG)), "every attribute is documented in attributes.py"
    assert (message.id, message.type, message.key) == (sent["id"], sent["type"], sent["partitionkey"])


@pytest.mark.parametrize(
    "change",
    [
        {"type": "other", "data": None},
        {"newattribute": "x"},
        {"dataschema": CATALOG.types[0].dataschema + "9"},
        {"data": CATALOG.types[0].schema.fill(EVENTS[0]) | {"color": "red"}},
    ],
)
def test_the_schemas_accept_later_additions(change: dict[str, Any]) -> None:
    [message] = serialize(EVENTS[0])
    VALIDATOR.validate(json.loads(message.body) | change)


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"subject": ""},
        {"time": 1769851800},
        {"dataschema": CATALOG.types[0].dataschema.rpartition(":")[0] + ":9.0"},
        {"data": {}},
        {"data": {"id": "x", "reference": 1, "quantity": "3"}},
    ],
)
def test_the_schemas_refuse_invalid_messages(change: dict[str, Any]) -> None:
    [message] = serialize(EVENTS[0])
    assert not VALIDATOR.is_valid(json.loads(message.body) | change)


def references() -> st.SearchStrategy[Reference]:
    """Any text that the domain accepts: quotes, emoji, right-to-left marks, half of a JSON document."""

    def attempt(text: str) -> Reference | None:
        try:
            return Reference(text)
        except InvalidValue:
            return None

    found = st.text(max_size=64).map(attempt).filter(lambda reference: reference is not None)
    return found.map(lambda reference: reference or Reference("never"))


@settings(deadline=None, derandomize=True)
@given(
    reference=references(),
    quantity=st.integers(1, 1_000_000).map(Quantity),
    id=st.uuids(),
    correlation=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=128),
)
def test_a_serialized_event_is_parsed_unchanged(
    reference: Reference, quantity: Quantity, id: UUID, correlation: str
) -> None:
    for event in all_events(reference, quantity, id):
        with correlated(CorrelationContext(correlation, correlation, TRACE, "a=1")):
            [message] = serialize(event)
        VALIDATOR.validate(json.loads(message.body))
        envelope, type = parse_envelope(message.body), CATALOG.by_name[message.type]
        assert (envelope.id, envelope.type, envelope.subject) == (message.id, type.name, str(event.id))
        assert (envelope.time, envelope.aggregateversion) == (NOW, event.version)
        assert (envelope.major, envelope.data) == (type.schema.major, type.schema.fill(event))
        assert envelope.correlation == CorrelationContext(correlation, message.id, TRACE, "a=1")
        type.schema.data.model_validate(envelope.data)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event.aggregate}-{event.action}")
def test_the_cloudevents_sdk_reads_messages(event: DomainEvent) -> None:
    with correlated(CorrelationContext("call-7", "event-1", TRACE, "a=1")):
        [message] = serialize(event)
    parsed = JSONFormat().read(None, message.body)
    assert parsed.get_type() == message.type
    assert (parsed.get_id(), parsed.get_subject()) == (message.id, message.key)
    assert (parsed.get_time(), parsed.get_extension("traceparent")) == (NOW, TRACE)
    assert parsed.get_data() == CATALOG.by_name[message.type].schema.fill(event)


def test_messages_of_the_cloudevents_sdk_are_parsed() -> None:
    given: dict[str, Any] = {
        "id": "1",
        "source": "/payment-service",
        "type": "payment-service.payment.captured",
        "time": NOW,
        "datacontenttype": "application/json; charset=utf-8",
        "traceparent": TRACE,
    }
    envelope = parse_envelope(JSONFormat().write(sdk.CloudEvent(given, {"amount": 5})))
    assert (envelope.id, envelope.source, envelope.time) == ("1", "/payment-service", NOW)
    assert (envelope.data, envelope.correlation) == ({"amount": 5}, CorrelationContext("1", "1", TRACE))
