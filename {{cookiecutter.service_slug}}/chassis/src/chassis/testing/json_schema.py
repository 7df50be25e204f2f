"""Compares two versions of a JSON Schema, for what a client sends or for what it receives.

The direction decides: a request may accept more than before, never less. An answer must hold what it held before;
clients tolerate fields and members of enumerations that they do not know.
"""

from collections.abc import Iterator
from typing import Any, Literal

Schema = dict[str, Any]
Direction = Literal["request", "answer"]

_UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_RULES = ("pattern", "format", "multipleOf", "uniqueItems")


class SchemaComparison:
    """Finds the changes between two documents that break a client.

    Args:
        old: the document that clients were built from; references are resolved in it.
        new: the document that would replace it.
        open_enumerations: whether clients tolerate unknown members of enumerations in answers.
    """

    def __init__(self, old: Schema, new: Schema, *, open_enumerations: bool = True) -> None:
        self._old = old
        self._new = new
        self._open_enumerations = open_enumerations
        # Pairs being compared further up: a schema may contain itself.
        self._pending: set[tuple[Direction, int, int]] = set()

    def request(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        """Each value that was valid in a request and is not any more; `where` begins each line."""
        return self._changes("request", where, old, new)

    def answer(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        """Each change in an answer that a client is not prepared for; `where` begins each line."""
        return self._changes("answer", where, old, new)

    def _changes(self, direction: Direction, where: str, old: Schema, new: Schema) -> Iterator[str]:
        pair = (direction, id(old), id(new))
        if pair in self._pending:
            return
        self._pending.add(pair)
        before, after = _alternatives(self._old, old), _alternatives(self._new, new)
        if len(before) == len(after) == 1:
            yield from self._between(direction, where, before[0], after[0])
        elif direction == "request":
            for each in before:
                candidates = [list(self._between(direction, where, each, other)) for other in after]
                same = [found for other, found in zip(after, candidates, strict=True) if _type(other) == _type(each)]
                yield from _fewest(candidates, same, f"{where}: no longer accepts {_type(each)}")
        else:
            for each in after:
                candidates = [list(self._between(direction, where, other, each)) for other in before]
                same = [found for other, found in zip(before, candidates, strict=True) if _type(other) == _type(each)]
                yield from _fewest(candidates, same, f"{where}: may now be {_type(each)}")
        self._pending.remove(pair)

    def _between(self, direction: Direction, where: str, old: Schema, new: Schema) -> Iterator[str]:
        """Changes between two alternatives."""
        narrow, wide = (old, new) if direction == "request" else (new, old)
        if _type(wide) not in ("any value", _type(narrow)) and (_type(narrow), _type(wide)) != ("integer", "number"):
            yield f"{where}: type changed from {_type(old)} to {_type(new)}"
            return
        yield from self._values(direction, where, old, new)
        yield from _bounds(direction, where, narrow, wide)
        yield from self._fields(direction, where, old, new)
        for keyword in ("items", "additionalProperties"):
            if isinstance(old.get(keyword), dict) and isinstance(new.get(keyword), dict):
                yield from self._changes(direction, f"{where}[]", old[keyword], new[keyword])

    def _values(self, direction: Direction, where: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = _members(old), _members(new)
        if direction == "request":
            if gone := before - after if after else set():
                yield f"{where}: no longer accepts {sorted(gone)}"
            if after and not before:
                yield f"{where}: no longer accepts values other than {sorted(after)}"
        elif before and self._open_enumerations:
            if after and not before & after:
                yield f"{where}: none of {sorted(before)} is left"
        elif before and (not after or after - before):
            yield f"{where}: may now be {sorted(after - before) or 'any value'}"

    def _fields(self, direction: Direction, where: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = set(old.get("required", ())), set(new.get("required", ()))
        if direction == "request":
            yield from (f"{where}: `{name}` became required" for name in sorted(after - before))
            closed = new.get("additionalProperties") is False
            if closed and old.get("additionalProperties") is not False:
                yield f"{where}: no longer accepts other fields"
        else:
            yield from (f"{where}: `{name}` may now be missing" for name in sorted(before - after))
        known = new.get("properties", {})
        # A field that is ignored from now on is lost as much as one that is refused.
        gone = "is no longer accepted" if direction == "request" else "removed"
        for name, schema in old.get("properties", {}).items():
            if name in known:
                yield from self._changes(direction, f"{where}.{name}", schema, known[name])
            else:
                yield f"{where}: `{name}` {gone}"


def _fewest(candidates: list[list[str]], same_type: list[list[str]], otherwise: str) -> list[str]:
    """Nothing if any counterpart fits; else what separates it from the closest one of the same type."""
    if [] in candidates:
        return []
    return min(same_type, key=len) if same_type else [otherwise]


def _bounds(direction: Direction, where: str, narrow: Schema, wide: Schema) -> Iterator[str]:
    """Each value of `narrow` must be a value of `wide`."""
    for keyword in (*_UPPER_BOUNDS, *_LOWER_BOUNDS, *_RULES):
        if keyword in wide and _is_tighter(keyword, wide[keyword], narrow.get(keyword)):
            change = f"{keyword} became {wide[keyword]}"
            if direction == "answer":
                change = f"{keyword} {wide[keyword]} no longer holds"
            yield f"{where}: {change}"


def _is_tighter(keyword: str, value: Any, other: Any) -> bool:
    if keyword in _RULES:
        return bool(value != other)
    if other is None:
        return True
    return bool(value < other if keyword in _UPPER_BOUNDS else value > other)


def _type(schema: Schema) -> str:
    type: str = schema.get("type", "any value")
    return type


def _members(schema: Schema) -> set[str]:
    """The members of an enumeration, as text; none if it is not one."""
    return set(map(str, [schema["const"]] if "const" in schema else schema.get("enum", ())))


def _alternatives(document: Schema, schema: Schema) -> list[Schema]:
    """The schema without references and unions: one schema for each alternative."""
    if "$ref" in schema:
        target: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return _alternatives(document, {**target, **_without(schema, "$ref")})
    if "allOf" in schema:
        merged = _without(schema, "allOf")
        for part in schema["allOf"]:
            merged = _merged(merged, _alternatives(document, part)[0])
        return _alternatives(document, merged)
    for union in ("anyOf", "oneOf"):
        if union in schema:
            rest = _without(schema, union)
            return [each for part in schema[union] for each in _alternatives(document, {**rest, **part})]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": each} for each in schema["type"]]
    return [schema]


def _without(schema: Schema, keyword: str) -> Schema:
    return {name: value for name, value in schema.items() if name != keyword}


def _merged(first: Schema, second: Schema) -> Schema:
    return {
        **first,
        **second,
        "properties": {**first.get("properties", {}), **second.get("properties", {})},
        "required": [*first.get("required", ()), *second.get("required", ())],
    }
