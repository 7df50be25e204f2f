"""Comparison of JSON Schemas where both directions count, as for events."""

from typing import Any

import pytest

from chassis.testing.json_schema import SchemaComparison


def fields(**properties: Any) -> dict[str, Any]:
    """An object's schema."""
    return {"type": "object", "properties": properties}


OLD = fields(size={"type": "string", "enum": ["small", "large"]})
NEW = fields(size={"type": "string", "enum": ["small", "large", "huge"]})


def test_closed_enumerations_must_not_grow() -> None:
    strict = SchemaComparison(OLD, NEW, open_enumerations=False)
    assert list(strict.answer("data", OLD, NEW)) == ["data.size: may now be ['huge']"]
    assert list(SchemaComparison(OLD, NEW).answer("data", OLD, NEW)) == []
    anything = fields(size={"type": "string"})
    assert list(strict.answer("data", OLD, anything)) == ["data.size: may now be any value"]


@pytest.mark.parametrize("union", ["anyOf", "oneOf"])
def test_alternatives_are_compared_with_their_counterparts(union: str) -> None:
    point, line = fields(x={"type": "integer"}), fields(from_={"type": "integer"})
    old, new = {union: [point, {"type": "null"}]}, {union: [{"type": "null"}, line, point]}
    both = SchemaComparison(old, new)
    assert list(both.request("shape", old, new)) == []
    assert list(both.answer("shape", old, new)) == ["shape: `x` removed"]
    assert list(SchemaComparison(new, old).request("shape", new, old)) == ["shape: `from_` is no longer accepted"]


def test_parts_of_one_schema_count_together() -> None:
    document = {"$defs": {"Id": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}}}
    old = {"allOf": [{"$ref": "#/$defs/Id"}, fields(name={"type": "string"})]}
    new = fields(name={"type": "string"})
    found = list(SchemaComparison(document, {}).answer("data", old, new))
    assert found == ["data: `id` may now be missing", "data: `id` removed"]


def test_values_of_maps_are_compared() -> None:
    old, new = ({"type": "object", "additionalProperties": {"type": each}} for each in ("integer", "string"))
    assert list(SchemaComparison(old, new).answer("data", old, new)) == ["data[]: type changed from integer to string"]


def test_a_schema_may_contain_itself() -> None:
    root = {"$ref": "#/$defs/Tree"}
    tree: dict[str, Any] = {"$defs": {"Tree": fields(left=root, value={"type": "integer"})}}
    pruned: dict[str, Any] = {"$defs": {"Tree": fields(left=root)}}
    assert list(SchemaComparison(tree, tree).answer("tree", root, root)) == []
    assert list(SchemaComparison(tree, pruned).answer("tree", root, root)) == ["tree: `value` removed"]
