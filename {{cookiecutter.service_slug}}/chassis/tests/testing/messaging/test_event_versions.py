"""Which changes of an event's schema are refused, and which version they need."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from chassis.testing.messaging.event_versions import objections

CREATED = "a-service.thing.created.v1.json"
ENVELOPE = "cloudevent.json"


def example() -> dict[str, Any]:
    """Schemas with something of every kind that can change."""
    properties = {
        "reference": {"type": "string", "description": "the client's name for it"},
        "quantity": {"type": "integer"},
        "size": {"type": "string", "enum": ["small", "large"]},
        "weight": {"type": "integer", "minimum": 1, "maximum": 10},
        "tags": {"type": "array", "items": {"type": "string"}},
        "parcel": {"$ref": "#/$defs/Parcel"},
    }
    created = {
        "$id": "urn:event-schema:a-service.thing.created:1.0",
        "type": "object",
        "required": ["reference", "quantity"],
        "properties": properties,
        "$defs": {"Parcel": {"type": "object", "properties": {"depth": {"type": "integer"}}}},
    }
    envelope = {
        "$id": "urn:event-schema:a-service",
        "type": "object",
        "required": ["id", "subject"],
        "properties": {"id": {"type": "string"}, "subject": {"type": "string"}, "correlationid": {"type": "string"}},
    }
    return deepcopy({CREATED: created, ENVELOPE: envelope})


def field(files: dict[str, Any], name: str) -> Any:
    """A field of the example."""
    return files[CREATED]["properties"][name]


def set_version(files: dict[str, Any], version: str) -> None:
    """Give the example another version."""
    files[CREATED]["$id"] = files[CREATED]["$id"].rpartition(":")[0] + f":{version}"


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        (lambda new: new[CREATED]["properties"].pop("reference"), "`reference` removed"),
        (lambda new: new[CREATED]["required"].remove("reference"), "`reference` may now be missing"),
        (lambda new: new[CREATED]["required"].append("size"), "`size` became required"),
        (lambda new: field(new, "quantity").update(type="number"), "type changed from integer to number"),
        (lambda new: field(new, "size")["enum"].append("huge"), "may now be ['huge']"),
        (lambda new: field(new, "size")["enum"].remove("small"), "no longer accepts ['small']"),
        (lambda new: field(new, "weight").update(maximum=11), "maximum 10 no longer holds"),
        (lambda new: field(new, "weight").pop("minimum"), "minimum 1 no longer holds"),
        (lambda new: field(new, "weight").update(maximum=9), "maximum became 9"),
        (lambda new: field(new, "tags")["items"].update(type="integer"), "[]: type changed"),
        (lambda new: new[CREATED]["$defs"]["Parcel"]["properties"].clear(), "`depth` removed"),
        (lambda new: new.pop(CREATED), "no longer published"),
        (lambda new: new[ENVELOPE]["required"].remove("subject"), "`subject` may now be missing"),
        (lambda new: new[ENVELOPE]["properties"].pop("correlationid"), "`correlationid` removed"),
    ],
)
def test_a_change_that_breaks_a_reader_is_refused_whatever_its_version(
    change: Callable[[Any], object], objection: str
) -> None:
    planned = example()
    set_version(planned, "1.1")
    change(planned)
    assert any(objection in each for each in objections(example(), planned))


def test_an_addition_needs_a_higher_minor_version() -> None:
    planned = example()
    planned[CREATED]["properties"]["note"] = {"type": "string"}
    assert list(objections(example(), planned)) == [f"{CREATED}: changed; raise its minor version"]
    set_version(planned, "1.1")
    assert list(objections(example(), planned)) == []
    assert list(objections(planned, example()))


def test_a_new_major_version_is_published_beside_the_old_one() -> None:
    planned = example()
    planned["a-service.thing.created.v2.json"] = {"$id": "urn:event-schema:a-service.thing.created-v2:2.0"}
    assert list(objections(example(), planned)) == []


def test_annotations_and_attributes_of_the_envelope_may_be_added_at_any_time() -> None:
    planned = example()
    planned[CREATED] |= {"description": "Better words.", "examples": []}
    planned[ENVELOPE]["properties"]["newattribute"] = {"type": "string"}
    assert list(objections(example(), planned)) == []
