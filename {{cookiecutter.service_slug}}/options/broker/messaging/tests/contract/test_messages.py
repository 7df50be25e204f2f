"""What is really sent is what the committed schemas say, and what the CloudEvents SDK understands; and back."""

import json
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest
import referencing
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1 import event as sdk
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as any_of

from {{ cookiecutter.package_name }}.domain.causality import Cause, caused_by
from {{ cookiecutter.package_name }}.domain.errors import InvalidValue
from {{ cookiecutter.package_name }}.domain.events import {{ cookiecutter.__Entity }}Event
from {{ cookiecutter.package_name }}.domain.model import {{ cookiecutter.__Entity }}
from {{ cookiecutter.package_name }}.domain.values import Quantity, Reference
from {{ cookiecutter.package_name }}.infrastructure.identity import new_id
from {{ cookiecutter.package_name }}.infrastructure.messaging.attributes import ALWAYS_SENT, ATTRIBUTES
from {{ cookiecutter.package_name }}.infrastructure.messaging.contracts import ENVELOPE_FILE
from {{ cookiecutter.package_name }}.infrastructure.messaging.envelope import Packer, read
from {{ cookiecutter.package_name }}.infrastructure.messaging.schemas import SCHEMAS

FOLDER = Path(__file__).parents[2] / "contracts" / "events"
NOW = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CAUSES = [None, Cause("call-7", "call-7"), Cause("call-7", "event-1", TRACE), Cause("call-7", "event-1", TRACE, "a=1")]


def committed() -> jsonschema.Draft202012Validator:
    """Checks a message by the files that other teams have."""
    files = {file.name: json.loads(file.read_text()) for file in FOLDER.iterdir()}
    resources = ((each["$id"], referencing.Resource.from_contents(each)) for each in files.values())
    return jsonschema.Draft202012Validator(
        files[ENVELOPE_FILE],
        registry=referencing.Registry().with_resources(resources),
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )


VALIDATOR = committed()


def life(reference: Reference, quantity: Quantity, id: UUID | None = None) -> list[{{ cookiecutter.__Entity }}Event]:
    """Everything that can happen, to as many as it takes."""
    one = {{ cookiecutter.__Entity }}.create(id or new_id(), reference, quantity, NOW)
    one.amend(Reference("another"), Quantity(7), NOW)
    one.confirm(NOW)
    one.cancel(NOW)
    return one.take_events()


LIFE = life(Reference("A-1001"), Quantity(3))
BY_TYPE = {schema.type: schema for schema in SCHEMAS}


def test_every_event_has_a_schema_and_happens_in_these_tests() -> None:
    known = {event.action for event in {{ cookiecutter.__Entity }}Event.__subclasses__()}
    assert {schema.event.action for schema in SCHEMAS} == known
    assert {event.action for event in LIFE} == known


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("event", LIFE, ids=lambda event: event.action)
def test_messages_are_as_the_committed_schemas_say(
    event: {{ cookiecutter.__Entity }}Event,
    cause: Cause | None,
) -> None:
    with caused_by(cause) if cause else nullcontext():
        messages = Packer(new_id)(event)
    assert messages
    for message in messages:
        sent = json.loads(message.body)
        VALIDATOR.validate(sent)
        assert set(ALWAYS_SENT) <= set(sent) <= set(ATTRIBUTES), "every attribute is documented in attributes.py"
        assert (message.id, message.type, message.key) == (sent["id"], sent["type"], sent["partitionkey"])


@pytest.mark.parametrize(
    "change",
    [
        {"type": "other", "data": None},
        {"newattribute": "x"},
        {"dataschema": SCHEMAS[0].dataschema + "9"},
        {"data": SCHEMAS[0].fill(LIFE[0]) | {"colour": "red"}},
    ],
)
def test_the_committed_schemas_let_pass_what_may_come_later(change: dict[str, Any]) -> None:
    message, *_ = Packer(new_id)(LIFE[0])
    VALIDATOR.validate(json.loads(message.body) | change)


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"subject": ""},
        {"time": 1769851800},
        {"dataschema": SCHEMAS[0].dataschema.rpartition(":")[0] + ":9.0"},
        {"data": {}},
        {"data": {"id": "x", "reference": 1, "quantity": "3"}},
    ],
)
def test_the_committed_schemas_refuse_what_is_wrong(change: dict[str, Any]) -> None:
    message, *_ = Packer(new_id)(LIFE[0])
    assert not VALIDATOR.is_valid(json.loads(message.body) | change)


def references() -> any_of.SearchStrategy[Reference]:
    """Whatever the domain takes: quotes, emoji, right-to-left marks, half of a JSON document."""

    def made(text: str) -> Reference | None:
        try:
            return Reference(text)
        except InvalidValue:
            return None

    found = any_of.text(max_size=64).map(made).filter(lambda reference: reference is not None)
    return found.map(lambda reference: reference or Reference("never"))


@effort(deadline=None, derandomize=True)
@given(
    reference=references(),
    quantity=any_of.integers(1, 1_000_000).map(Quantity),
    id=any_of.uuids(),
    correlation=any_of.text(any_of.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=128),
)
def test_what_is_written_is_what_is_read(reference: Reference, quantity: Quantity, id: UUID, correlation: str) -> None:
    for event in life(reference, quantity, id):
        with caused_by(Cause(correlation, correlation, TRACE, "a=1")):
            messages = Packer(new_id)(event)
        for message in messages:
            VALIDATOR.validate(json.loads(message.body))
            envelope, schema = read(message.body), BY_TYPE[message.type]
            assert (envelope.id, envelope.type, envelope.subject) == (message.id, schema.type, str(event.id))
            assert (envelope.time, envelope.aggregateversion) == (NOW, event.version)
            assert (envelope.major, envelope.data) == (schema.major, schema.fill(event))
            assert envelope.cause == Cause(correlation, message.id, TRACE, "a=1")
            schema.data.model_validate(envelope.data)


@pytest.mark.parametrize("event", LIFE, ids=lambda event: event.action)
def test_the_cloudevents_sdk_reads_what_is_written(event: {{ cookiecutter.__Entity }}Event) -> None:
    with caused_by(Cause("call-7", "event-1", TRACE, "a=1")):
        messages = Packer(new_id)(event)
    for message in messages:
        understood = JSONFormat().read(None, message.body)
        assert understood.get_type() == message.type
        assert (understood.get_id(), understood.get_subject()) == (message.id, message.key)
        assert (understood.get_time(), understood.get_extension("traceparent")) == (NOW, TRACE)
        assert understood.get_data() == BY_TYPE[message.type].fill(event)


def test_what_the_cloudevents_sdk_writes_is_read() -> None:
    attributes: dict[str, Any] = {
        "id": "1",
        "source": "/payment-service",
        "type": "payment-service.payment.captured",
        "time": NOW,
        "datacontenttype": "application/json; charset=utf-8",
        "traceparent": TRACE,
    }
    envelope = read(JSONFormat().write(sdk.CloudEvent(attributes, {"amount": 5})))
    assert (envelope.id, envelope.source, envelope.time) == ("1", "/payment-service", NOW)
    assert (envelope.data, envelope.cause) == ({"amount": 5}, Cause("1", "1", TRACE))
