"""Checks that a change of an event comes with the version it needs.

A higher minor version if all of its readers can go on, else a new major version. Old and new meet in both directions: a
reader of the old version receives messages of the new one, and a reader of the new version receives old messages that
are still in a queue or among the dead letters.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..json_schema import Schema, SchemaComparison

# Informative; no reader depends on them.
ANNOTATIONS = {"$id", "title", "description", "examples"}
_version = re.compile(r":(\d+)\.(\d+)\Z")


def objections(published: Mapping[str, Schema], planned: Mapping[str, Schema]) -> Iterator[str]:
    """Each reason why the planned schemas must not replace the published ones; none if they may.

    Args:
        published: the committed schemas, by file name.
        planned: those of the code, as `chassis.messaging.contracts.json_schema.documents` makes them.
    """
    for name, old in published.items():
        new = planned.get(name)
        if new is None:
            yield f"{name}: no longer published; publish it beside the new one, or delete the file if it has no reader"
            continue
        breaking = breaking_changes(old, new)
        yield from (f"{name}: {change}; publish a new major version beside this one instead" for change in breaking)
        if version(new) < version(old):
            yield f"{name}: the version went back"
        elif version(new) == version(old) != () and not breaking and _meaning(old) != _meaning(new):
            yield f"{name}: changed; raise its minor version"


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Each change that a reader on either side cannot handle."""
    comparison = SchemaComparison(old, new, open_enumerations=False)
    return sorted({*comparison.answer("data", old, new), *comparison.request("data", old, new)})


def version(schema: Schema) -> tuple[int, ...]:
    """Major and minor; empty for the envelope, which has no version and only grows."""
    found = _version.search(schema["$id"])
    return tuple(map(int, found.groups())) if found else ()


def _meaning(schema: Any, *, are_names: bool = False) -> Any:
    """The schema without annotations; `are_names` if its keys are names of fields."""
    if isinstance(schema, list):
        return [_meaning(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _meaning(value, are_names=not are_names and key in {"properties", "$defs"})
        for key, value in schema.items()
        if are_names or key not in ANNOTATIONS
    }
