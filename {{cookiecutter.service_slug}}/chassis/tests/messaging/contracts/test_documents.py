"""JSON Schemas and AsyncAPI document: sound, open, complete, and by aggregate."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from chassis.database.memory import MemoryDatabase
from chassis.messaging.contracts import Envelope, EventType
from chassis.messaging.contracts.asyncapi import document
from chassis.messaging.contracts.json_schema import documents, write
from chassis.messaging.history import history_handlers
from chassis.messaging.inbox import EventHandler, HandlerContext, Subscriptions
from chassis.messaging.storage.memory import MemoryMessageStorage
from chassis.service import ServiceIdentity
from tests.sample.messaging.contracts import CATALOG, SERVICE_NAME

IDENTITY = ServiceIdentity(SERVICE_NAME, "Warehouse", "1.2.3", "Stores parcels.")
HISTORY = {"warehouse-service.history": history_handlers(CATALOG, MemoryMessageStorage(MemoryDatabase()).history)}


def described(subscriptions: Subscriptions = HISTORY) -> Any:
    """The AsyncAPI document of the sample."""
    return json.loads(json.dumps(document(IDENTITY, CATALOG, subscriptions, "a-protocol")))


def test_schemas_are_sound_and_open() -> None:
    for schema in documents(CATALOG).values():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert '"additionalProperties": false' not in json.dumps(schema), "a reader must ignore new fields"


def test_no_attribute_names_an_aggregate() -> None:
    for attribute in documents(CATALOG)["cloudevent.json"]["properties"].values():
        assert "parcel" not in attribute.get("description", "")


def references(part: Any) -> Iterator[str]:
    """Every reference in a document."""
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    if isinstance(part, list):
        for value in part:
            yield from references(value)


def test_every_reference_of_the_asyncapi_document_resolves() -> None:
    whole = described()
    found = set(references(whole))
    assert len(found) > len(CATALOG.types)
    for reference in found:
        target = whole
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


@pytest.mark.parametrize("type", CATALOG.types, ids=lambda each: each.name)
def test_examples_are_valid(type: EventType) -> None:
    whole = described()
    message = whole["components"]["messages"][type.name]
    validator = jsonschema.Draft7Validator(message["payload"] | {"components": whole["components"]})
    for example in message["examples"]:
        validator.validate(example["payload"])
        assert Envelope.model_validate_json(json.dumps(example["payload"])).type == type.name
        type.schema.data.model_validate(example["payload"]["data"])


def test_each_aggregate_has_its_channel_and_its_operations() -> None:
    whole = described()
    channels = {"warehouse-service.parcel", "warehouse-service.shipping-label"}
    assert set(whole["channels"]) == channels
    assert set(whole["operations"]) == {
        operation
        for channel in channels
        for operation in (f"{channel}.publish", f"warehouse-service.history.consume.{channel}")
    }
    assert whole["servers"]["broker"]["protocol"] == "a-protocol"


class CapturedData(BaseModel):
    """A payment was captured."""

    amount: int


async def ignore(_: HandlerContext, __: Envelope) -> None:
    """Does nothing."""


def test_events_of_another_service_are_described_as_they_are_needed() -> None:
    whole = described({"payments": {"payment.payment.captured": EventHandler(1, CapturedData, ignore)}})
    assert "payment.payment" in whole["channels"]
    receiving = [each for each in whole["operations"].values() if each["action"] == "receive"]
    assert [each["channel"]["$ref"] for each in receiving] == ["#/channels/payment.payment"]
    [_, needed] = whole["components"]["messages"]["payment.payment.captured"]["payload"]["allOf"]
    assert needed["properties"]["data"] == {"$ref": "#/components/schemas/CapturedData"}


def test_a_file_that_belongs_to_no_event_is_named_and_kept(tmp_path: Path) -> None:
    old = tmp_path / "old.v1.json"
    old.write_text("{}")
    assert list(write(CATALOG, tmp_path)) == [old]
    assert {file.name for file in tmp_path.iterdir()} == {"old.v1.json", *documents(CATALOG)}
