"""What a change of an event must come with: a higher minor version if all who read it can go on, else a new major one.

Old and new meet in both ways. A reader of the old version gets messages of the new one; and a reader of the new version
gets old messages, those that still lie in a queue or among the dead letters.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .compatibility import Comparison, Schema

# They tell people something; no reader depends on them.
ANNOTATIONS = {"$id", "title", "description", "examples"}
_version = re.compile(r":(\d+)\.(\d+)\Z")


def objections(published: Mapping[str, Schema], planned: Mapping[str, Schema]) -> Iterator[str]:
    """Each reason why the schemas that are planned must not take the place of the published ones; none if they may.

    Args:
        published: by the names of their files.
        planned: the same.
    """
    for name, old in published.items():
        new = planned.get(name)
        if new is None:
            yield f"{name}: no longer published; publish it beside the new one, or delete the file if nobody reads it"
            continue
        breaking = breaking_changes(old, new)
        yield from (f"{name}: {change}; publish a new major version beside this one instead" for change in breaking)
        if version(new) < version(old):
            yield f"{name}: the version went back"
        elif version(new) == version(old) != () and not breaking and _meaning(old) != _meaning(new):
            yield f"{name}: changed; give it a higher minor version"


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Each change that one of the readers cannot cope with."""
    comparison = Comparison(old, new)
    return sorted({*comparison.read("data", old, new), *comparison.sent("data", old, new)})


def version(schema: Schema) -> tuple[int, ...]:
    """Major and minor; of the envelope, which has no version and only grows, nothing."""
    found = _version.search(schema["$id"])
    return tuple(map(int, found.groups())) if found else ()


def _meaning(schema: Any, *, names: bool = False) -> Any:
    """The schema without what is for people only; `names` says that the keys are those of fields."""
    if isinstance(schema, list):
        return [_meaning(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _meaning(value, names=not names and key in {"properties", "$defs"})
        for key, value in schema.items()
        if names or key not in ANNOTATIONS
    }
