"""Finds what would break others between two versions of an OpenAPI document, or of a JSON Schema.

A client breaks when something it sends is no longer accepted, or something it reads is no longer there.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
# Lowering the first kind, or raising the second, refuses inputs that were fine; the other way round, outputs come that
# nobody expected.
UPPER_BOUNDS = ("maximum", "maxLength", "maxItems", "exclusiveMaximum")
LOWER_BOUNDS = ("minimum", "minLength", "minItems", "exclusiveMinimum", "minProperties")


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Each change that breaks a client, with where it is; empty if there is none.

    Args:
        old: the document that clients were built from.
        new: the document that would replace it.
    """
    return list(Comparison(old, new).run())


class Comparison:
    """Walks both documents side by side."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new

    def run(self) -> Iterator[str]:
        """Every breaking change."""
        for path, item in self._old["paths"].items():
            for method in METHODS:
                if method in item:
                    where = f"{method.upper()} {path}"
                    new = self._new["paths"].get(path, {}).get(method)
                    yield from self._operation(where, item[method], new) if new else [f"{where}: removed"]

    def _operation(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        if old.get("operationId") != new.get("operationId"):
            yield f"{where}: operationId changed; generated clients call it by that name"
        yield from self._parameters(where, old.get("parameters", []), new.get("parameters", []))
        yield from self._request(where, old.get("requestBody"), new.get("requestBody"))
        for status, response in old["responses"].items():
            if status not in new["responses"]:
                yield f"{where}: no longer answers {status}"
                continue
            for media, content in response.get("content", {}).items():
                shown = new["responses"][status].get("content", {}).get(media)
                if shown is None:
                    yield f"{where}: {status} is no longer sent as {media}"
                else:
                    yield from self.read(f"{where} {status}", content.get("schema", {}), shown.get("schema", {}))

    def _parameters(self, where: str, old: list[Schema], new: list[Schema]) -> Iterator[str]:
        before = {(each["in"], each["name"]): each for each in old}
        after = {(each["in"], each["name"]): each for each in new}
        for key, parameter in after.items():
            was = before.get(key, {})
            if parameter.get("required") and not was.get("required"):
                yield f"{where}: {key[0]} parameter `{key[1]}` became required"
            if was:
                yield from self.sent(f"{where} `{key[1]}`", was.get("schema", {}), parameter.get("schema", {}))
        for kind, name in before.keys() - after.keys():
            yield f"{where}: {kind} parameter `{name}` removed"

    def _request(self, where: str, old: Schema | None, new: Schema | None) -> Iterator[str]:
        if new is None:
            return
        if new.get("required") and not (old or {}).get("required"):
            yield f"{where}: a body became required"
        for media, content in (old or {}).get("content", {}).items():
            if media not in new["content"]:
                yield f"{where}: no longer accepts {media}"
            else:
                yield from self.sent(f"{where} body", content.get("schema", {}), new["content"][media]["schema"])

    def sent(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        """What clients send may be accepted more freely, never less."""
        old, new = self._resolved(self._old, old), self._resolved(self._new, new)
        yield from self._type_change(where, old, new)
        yield from self._narrowed_values(where, old, new)
        for name in set(new.get("required", [])) - set(old.get("required", [])):
            yield f"{where}: `{name}` became required"
        closed = new.get("additionalProperties") is False
        for name, schema in old.get("properties", {}).items():
            if name in new.get("properties", {}):
                yield from self.sent(f"{where}.{name}", schema, new["properties"][name])
            elif closed:
                yield f"{where}: `{name}` is no longer accepted"
        for each, before, after in self._elements(where, old, new):
            yield from self.sent(each, before, after)

    @staticmethod
    def _narrowed_values(where: str, old: Schema, new: Schema) -> Iterator[str]:
        if "enum" in new and (gone := set(old.get("enum", ["any other value"])) - set(new["enum"])):
            yield f"{where}: no longer accepts {sorted(map(str, gone))}"
        for bound in UPPER_BOUNDS:
            if bound in new and new[bound] < old.get(bound, float("inf")):
                yield f"{where}: {bound} became {new[bound]}"
        for bound in LOWER_BOUNDS:
            if bound in new and new[bound] > old.get(bound, float("-inf")):
                yield f"{where}: {bound} became {new[bound]}"
        if new.get("pattern") not in (None, old.get("pattern")):
            yield f"{where}: pattern changed"

    def read(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        """What clients read may grow, never shrink."""
        old, new = self._resolved(self._old, old), self._resolved(self._new, new)
        yield from self._type_change(where, old, new)
        yield from self._widened_values(where, old, new)
        for name in set(old.get("required", [])) - set(new.get("required", [])):
            yield f"{where}: `{name}` may now be missing"
        for name, schema in old.get("properties", {}).items():
            if name in new.get("properties", {}):
                yield from self.read(f"{where}.{name}", schema, new["properties"][name])
            else:
                yield f"{where}: `{name}` removed"
        for each, before, after in self._elements(where, old, new):
            yield from self.read(each, before, after)

    @staticmethod
    def _widened_values(where: str, old: Schema, new: Schema) -> Iterator[str]:
        if "enum" in old and (added := set(new.get("enum", ["any other value"])) - set(old["enum"])):
            yield f"{where}: may now be {sorted(map(str, added))}"
        for bound in UPPER_BOUNDS:
            if bound in old and new.get(bound, float("inf")) > old[bound]:
                yield f"{where}: {bound} {old[bound]} no longer holds"
        for bound in LOWER_BOUNDS:
            if bound in old and new.get(bound, float("-inf")) < old[bound]:
                yield f"{where}: {bound} {old[bound]} no longer holds"
        if old.get("pattern") not in (None, new.get("pattern")):
            yield f"{where}: the pattern no longer holds"

    @staticmethod
    def _type_change(where: str, old: Schema, new: Schema) -> Iterator[str]:
        for keyword in ("type", "const", "format", "nullable", "anyOf", "oneOf"):
            if old.get(keyword) != new.get(keyword):
                yield f"{where}: {keyword} changed from {old.get(keyword)} to {new.get(keyword)}"

    @staticmethod
    def _elements(where: str, old: Schema, new: Schema) -> Iterator[tuple[str, Schema, Schema]]:
        """What lists, and objects with keys of any name, hold."""
        for keyword in ("items", "additionalProperties"):
            if isinstance(old.get(keyword), dict) and isinstance(new.get(keyword), dict):
                yield f"{where}[]", old[keyword], new[keyword]

    def _resolved(self, document: Schema, schema: Schema) -> Schema:
        """Follow references, and take "something or null" for a nullable something."""
        while "$ref" in schema:
            target: Any = document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            schema = target
        match schema.get("anyOf"):
            case [something, {"type": "null"}]:
                return {**self._resolved(document, something), "nullable": True}
        return schema
