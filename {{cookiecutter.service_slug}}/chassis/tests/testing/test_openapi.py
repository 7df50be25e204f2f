"""Which changes of an OpenAPI document break clients: it depends on the direction."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from chassis.testing.openapi import breaking_changes

URL = "/v1/parcels"
Change = Callable[[Any], object]


def document() -> Any:
    """An API with something of every kind that can change."""
    status = {"type": "string", "enum": ["created", "confirmed"]}
    answer = {
        "type": "object",
        "required": ["id", "status", "note"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "status": {"$ref": "#/components/schemas/Status"},
            "weight": {"type": "integer", "maximum": 100},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Parcel"}},
        },
    }
    draft = {
        "type": "object",
        "additionalProperties": False,
        "required": ["reference"],
        "properties": {
            "reference": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Z]"},
            "quantity": {"type": "integer", "maximum": 1000},
            "speed": {"type": "string", "enum": ["slow", "fast"]},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
    }
    parameters = [
        {"in": "query", "name": "limit", "required": False, "schema": {"type": "integer", "maximum": 100}},
        {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string"}},
    ]
    body = {"required": False, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Draft"}}}}
    shown = {"application/json": {"schema": {"$ref": "#/components/schemas/Parcel"}}}
    created = {"headers": {"ETag": {"schema": {"type": "string"}}}, "content": shown}
    create = {
        "operationId": "create_parcel",
        "parameters": parameters,
        "requestBody": body,
        "responses": {"201": created, "409": {"description": "Conflict"}},
    }
    return deepcopy(
        {
            "paths": {URL: {"post": create}},
            "components": {"schemas": {"Status": status, "Parcel": answer, "Draft": draft}},
        }
    )


def operation(document: Any) -> Any:
    """The only operation."""
    return document["paths"][URL]["post"]


def sent(document: Any) -> Any:
    """The fields of a request."""
    return document["components"]["schemas"]["Draft"]["properties"]


def draft(document: Any) -> Any:
    """The schema of a request."""
    return document["components"]["schemas"]["Draft"]


def received(document: Any) -> Any:
    """The fields of an answer."""
    return document["components"]["schemas"]["Parcel"]["properties"]


def parcel(document: Any) -> Any:
    """The schema of an answer."""
    return document["components"]["schemas"]["Parcel"]


def after(change: Change) -> list[str]:
    """The breaking changes that a change brings."""
    changed = document()
    change(changed)
    return breaking_changes(document(), changed)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda new: new["paths"].pop(URL), f"POST {URL}: removed"),
        (lambda new: operation(new).update(operationId="make"), "operationId changed"),
        (lambda new: operation(new)["responses"].pop("409"), "no longer answers 409"),
        (lambda new: operation(new)["responses"]["201"]["headers"].clear(), "201: header ETag removed"),
        (lambda new: operation(new)["responses"]["201"].update(content={"text/plain": {}}), "no longer sent as app"),
        (lambda new: operation(new).update(security=[{"bearer": []}]), "requires other authentication"),
        (lambda new: new.update(security=[{"bearer": []}]), "requires other authentication"),
    ],
)
def test_an_operation_must_stay_as_it_is(change: Change, finding: str) -> None:
    assert any(finding in each for each in after(change))


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda new: draft(new)["required"].append("quantity"), "body: `quantity` became required"),
        (lambda new: sent(new).pop("quantity"), "`quantity` is no longer accepted"),
        (lambda new: sent(new)["speed"]["enum"].remove("slow"), "body.speed: no longer accepts ['slow']"),
        (lambda new: sent(new)["quantity"].update(enum=[1, 2]), "no longer accepts values other than ['1', '2']"),
        (lambda new: sent(new)["quantity"].update(maximum=10), "maximum became 10"),
        (lambda new: sent(new)["quantity"].update(minimum=1), "minimum became 1"),
        (lambda new: sent(new)["quantity"].update(multipleOf=2), "multipleOf became 2"),
        (lambda new: sent(new)["reference"].update(minLength=3), "minLength became 3"),
        (lambda new: sent(new)["reference"].update(pattern="^[0-9]"), "pattern became ^[0-9]"),
        (lambda new: sent(new)["reference"].update(format="uuid"), "format became uuid"),
        (lambda new: sent(new)["reference"].update(type="integer"), "type changed from string to integer"),
        (lambda new: sent(new).update(note={"type": "string"}), "body.note: no longer accepts null"),
        (lambda new: operation(new).pop("requestBody"), "no longer takes a body"),
        (lambda new: operation(new)["requestBody"].update(required=True), "a body became required"),
        (lambda new: operation(new)["requestBody"].update(content={}), "no longer accepts application/json"),
        (lambda new: operation(new)["parameters"].pop(0), "query parameter `limit` removed"),
        (lambda new: operation(new)["parameters"][0].update(required=True), "`limit` became required"),
        (lambda new: operation(new)["parameters"][0]["schema"].update(maximum=50), "`limit`: maximum became 50"),
        (
            lambda new: operation(new)["parameters"].append({"in": "query", "name": "mode", "required": True}),
            "query parameter `mode` became required",
        ),
    ],
)
def test_a_request_must_not_accept_less(change: Change, finding: str) -> None:
    assert any(finding in each for each in after(change))


@pytest.mark.parametrize(
    "change",
    [
        lambda new: draft(new)["required"].clear(),
        lambda new: draft(new).update(additionalProperties=True),
        lambda new: sent(new).update(comment={"type": "string"}),
        lambda new: sent(new)["speed"]["enum"].append("express"),
        lambda new: sent(new)["speed"].pop("enum"),
        lambda new: sent(new)["quantity"].update(maximum=10_000),
        lambda new: sent(new)["quantity"].update(type="number"),
        lambda new: sent(new)["quantity"].update(type=["integer", "string"]),
        lambda new: sent(new)["reference"].pop("pattern"),
        lambda new: sent(new).update(reference={"anyOf": [sent(new)["reference"], {"type": "null"}]}),
        lambda new: operation(new)["parameters"].append({"in": "query", "name": "mode", "schema": {"type": "string"}}),
        lambda new: operation(new)["parameters"][1].update(name="idempotency-key"),
        lambda new: operation(new)["requestBody"]["content"].update({"application/cbor": {}}),
    ],
)
def test_a_request_may_accept_more(change: Change) -> None:
    assert after(change) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda new: received(new).pop("weight"), "201: `weight` removed"),
        (lambda new: parcel(new)["required"].remove("id"), "`id` may now be missing"),
        (lambda new: received(new)["weight"].update(maximum=200), "maximum 100 no longer holds"),
        (lambda new: received(new)["weight"].update(type="number"), "type changed from integer to number"),
        (lambda new: received(new)["weight"].update(type=["integer", "null"]), "201.weight: may now be null"),
        (lambda new: received(new)["id"].pop("format"), "format uuid no longer holds"),
        (lambda new: received(new)["parts"].update(items={"type": "string"}), "parts[]: type changed"),
        (lambda new: new["components"]["schemas"]["Status"].update(enum=["new"]), "none of ['confirmed', 'created']"),
    ],
)
def test_an_answer_must_hold_what_it_held(change: Change, finding: str) -> None:
    assert any(finding in each for each in after(change))


@pytest.mark.parametrize(
    "change",
    [
        lambda new: new["components"]["schemas"]["Status"]["enum"].append("lost"),
        lambda new: received(new).update(height={"type": "integer"}),
        lambda new: parcel(new)["required"].append("weight"),
        lambda new: received(new)["weight"].update(maximum=50),
        lambda new: received(new).update(note={"type": "string"}),
        lambda new: parcel(new).update(additionalProperties=False),
        lambda new: operation(new)["responses"].update({"503": {"description": "Not now"}}),
        lambda new: operation(new)["responses"]["201"]["headers"].update(Location={}),
        lambda new: new["paths"].update({"/v1/labels": {"get": {"responses": {}}}}),
        lambda new: new["paths"][URL].update(get={"responses": {}}),
        lambda new: operation(new).update(description="Other words.", deprecated=True),
    ],
)
def test_an_answer_may_hold_more(change: Change) -> None:
    assert after(change) == []


def test_an_enumeration_used_both_ways_must_not_lose_a_member() -> None:
    """A filter accepts what answers show."""

    def filtered(document: Any) -> Any:
        schema = {"$ref": "#/components/schemas/Status"}
        operation(document)["parameters"].append({"in": "query", "name": "status", "schema": schema})
        return document

    old, new = filtered(document()), filtered(document())
    new["components"]["schemas"]["Status"]["enum"].append("lost")
    assert breaking_changes(old, new) == []
    assert breaking_changes(new, old) == [f"POST {URL} `status`: no longer accepts ['lost']"]


def test_an_operation_that_no_longer_requires_authentication_breaks_none() -> None:
    old, new = document(), document()
    old["security"] = [{"bearer": ["write"]}]
    new["security"] = [{"bearer": []}]
    assert breaking_changes(old, new) == []
    assert breaking_changes(new, old) == [f"POST {URL}: requires other authentication"]
    assert breaking_changes(old, document()) == []
