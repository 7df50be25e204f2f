"""The committed documents are what the code says, and say what is true."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from {{ cookiecutter.package_name }}.bootstrap import PACKAGE, TITLE
from {{ cookiecutter.package_name }}.infrastructure.messaging.asyncapi import document
from {{ cookiecutter.package_name }}.infrastructure.messaging.consumer import Reaction, Step
from {{ cookiecutter.package_name }}.infrastructure.messaging.contracts import documents, write
from {{ cookiecutter.package_name }}.infrastructure.messaging.envelope import Envelope
from {{ cookiecutter.package_name }}.infrastructure.messaging.schemas import PREFIX, SCHEMAS

CONTRACTS = Path(__file__).parents[2] / "contracts"


def described() -> Any:
    """The AsyncAPI document of the code."""
    return json.loads(json.dumps(document(TITLE, PACKAGE["Version"], PACKAGE["Summary"])))


def test_the_committed_schemas_are_up_to_date() -> None:
    committed = {file.name: json.loads(file.read_text()) for file in (CONTRACTS / "events").iterdir()}
    assert documents() == committed, "the events have changed: run `make contract` and commit the result"


def test_the_committed_asyncapi_document_is_up_to_date() -> None:
    committed = json.loads((CONTRACTS / "asyncapi.json").read_text())
    assert described() == committed, "what is published or taken in has changed: run `make contract`, commit the result"


def test_schemas_are_sound_and_open() -> None:
    for schema in documents().values():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert '"additionalProperties": false' not in json.dumps(schema), "a reader must let new fields pass"


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


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    whole = described()
    found = set(references(whole))
    assert len(found) > len(SCHEMAS)
    for reference in found:
        target = whole
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.event.action)
def test_examples_are_valid(schema: Any) -> None:
    whole = described()
    message = whole["components"]["messages"][schema.type]
    validator = jsonschema.Draft7Validator(message["payload"] | {"components": whole["components"]})
    for example in message["examples"]:
        validator.validate(example["payload"])
        assert Envelope.model_validate_json(json.dumps(example["payload"])).type == schema.type
        schema.data.model_validate(example["payload"]["data"])


class CapturedData(BaseModel):
    """Money has come."""

    amount: int


async def pay(_: Step, __: Envelope) -> None:
    """Nothing."""


def test_events_of_another_service_are_described_as_they_are_expected() -> None:
    consumers = {"payments": {"payment.payment.captured": Reaction(1, CapturedData, pay)}}
    whole = document("Title", "1.0.0", "Does it.", consumers)
    assert set(whole["channels"]) == {PREFIX, "payment.payment"}
    receiving = [each for each in whole["operations"].values() if each["action"] == "receive"]
    assert [each["channel"]["$ref"] for each in receiving] == ["#/channels/payment.payment"]
    [_, expected] = whole["components"]["messages"]["payment.payment.captured"]["payload"]["allOf"]
    assert expected["properties"]["data"] == {"$ref": "#/components/schemas/CapturedData"}


def test_a_file_that_belongs_to_no_event_is_named_and_left(tmp_path: Path) -> None:
    old = tmp_path / "old.v1.json"
    old.write_text("{}")
    assert list(write(tmp_path)) == [old]
    assert {file.name for file in tmp_path.iterdir()} == {"old.v1.json", *documents()}
