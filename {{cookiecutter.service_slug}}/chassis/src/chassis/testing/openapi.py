"""Compares two versions of an OpenAPI document.

A client breaks when something that it sends is no longer accepted, or something that it reads is no longer there. What
is new breaks none: operations, optional inputs, fields and members of enumerations in answers.
"""

from collections.abc import Iterator

from .json_schema import Schema, SchemaComparison

_METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Each change that breaks a client, one line with its place; empty if there is none.

    Args:
        old: the document that clients were built from.
        new: the document that would replace it.
    """
    return list(_DocumentComparison(old, new).run())


class _DocumentComparison:
    """Walks both documents side by side."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new
        self._schemas = SchemaComparison(old, new)

    def run(self) -> Iterator[str]:
        """Every breaking change."""
        for path, item in self._old["paths"].items():
            for method in _METHODS:
                if method in item:
                    where = f"{method.upper()} {path}"
                    new = self._new["paths"].get(path, {}).get(method)
                    yield from [f"{where}: removed"] if new is None else self._operation(where, item[method], new)

    def _operation(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        if old.get("operationId") != new.get("operationId"):
            yield f"{where}: operationId changed; generated clients call it by that name"
        if not _still_permitted(_security(self._old, old), _security(self._new, new)):
            yield f"{where}: requires other authentication"
        yield from self._parameters(where, old.get("parameters", []), new.get("parameters", []))
        yield from self._body(where, old.get("requestBody"), new.get("requestBody"))
        for status, response in old["responses"].items():
            if status in new["responses"]:
                yield from self._response(f"{where} {status}", response, new["responses"][status])
            else:
                yield f"{where}: no longer answers {status}"

    def _parameters(self, where: str, old: list[Schema], new: list[Schema]) -> Iterator[str]:
        before, after = _by_name(old), _by_name(new)
        for (kind, name), parameter in after.items():
            was = before.get((kind, name), {})
            if parameter.get("required") and not was.get("required"):
                yield f"{where}: {kind} parameter `{name}` became required"
            if was:
                yield from self._schemas.request(
                    f"{where} `{name}`", was.get("schema", {}), parameter.get("schema", {})
                )
        for kind, name in sorted(before.keys() - after.keys()):
            yield f"{where}: {kind} parameter `{name}` removed"

    def _body(self, where: str, old: Schema | None, new: Schema | None) -> Iterator[str]:
        if new is None:
            if old is not None:
                yield f"{where}: no longer takes a body"
            return
        if new.get("required") and not (old or {}).get("required"):
            yield f"{where}: a body became required"
        for media, content in (old or {}).get("content", {}).items():
            if media in new["content"]:
                accepted = new["content"][media].get("schema", {})
                yield from self._schemas.request(f"{where} body", content.get("schema", {}), accepted)
            else:
                yield f"{where}: no longer accepts {media}"

    def _response(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        names = {name.lower() for name in new.get("headers", {})}
        yield from (f"{where}: header {name} removed" for name in old.get("headers", {}) if name.lower() not in names)
        for media, content in old.get("content", {}).items():
            sent = new.get("content", {}).get(media)
            if sent is None:
                yield f"{where}: no longer sent as {media}"
            else:
                yield from self._schemas.answer(where, content.get("schema", {}), sent.get("schema", {}))


def _by_name(parameters: list[Schema]) -> dict[tuple[str, str], Schema]:
    """Names of headers are the same in upper and lower case."""
    return {(each["in"], each["name"].lower() if each["in"] == "header" else each["name"]): each for each in parameters}


def _security(document: Schema, operation: Schema) -> list[Schema]:
    """The ways to authenticate; an empty one stands for none."""
    return operation.get("security", document.get("security", [])) or [{}]


def _still_permitted(old: list[Schema], new: list[Schema]) -> bool:
    """Whether each way to authenticate still suffices for one of those that are accepted now."""
    return all(
        any(
            all(set(scopes) <= set(way.get(scheme, ())) and scheme in way for scheme, scopes in each.items())
            for each in new
        )
        for way in old
    )
