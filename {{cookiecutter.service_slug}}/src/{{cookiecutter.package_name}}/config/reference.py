"""Prints `docs/configuration.md` from the settings classes; `make configuration` writes it."""

import inspect
import sys
from collections.abc import Iterator
from typing import Any

from .example import shown
from .section import Section
from .settings import SECTIONS

INTRODUCTION = """\
# Configuration

Every setting, made from the classes in `config/` by `make configuration`. They come from the environment, or from
`.env` on a developer's machine. In a cluster `k8s/configmap.yaml` and `environments/` hold them, but for secrets.
"""
BOUNDS = {"minimum": "from {}", "exclusiveMinimum": "above {}", "maximum": "to {}", "exclusiveMaximum": "below {}"}


def reference() -> str:
    """The file's text: a table for each class, with what a value may be, what it is otherwise, and what it means."""
    parts = ["\n".join(_lines(name, section)) for name, section in SECTIONS.items()]
    return "\n".join([INTRODUCTION, *parts])


def _lines(name: str, section: type[Section]) -> Iterator[str]:
    schema = section.model_json_schema()
    yield f"## {name.capitalize()}\n\n{inspect.getdoc(section)}\n"
    yield "| variable | value | default | meaning |\n|---|---|---|---|"
    for field_name, field in section.model_fields.items():
        described = schema["properties"][field_name]
        default = f"`{shown(field.default)}`" if shown(field.default) else "not set"
        if described.get("required_outside_local"):
            default = "must be set, but for `ENVIRONMENT=local`"
        variable = section.variable(field_name)
        yield f"| `{variable}` | {_values(described, schema)} | {default} | {field.description} |"
    yield ""


def _values(described: dict[str, Any], schema: dict[str, Any]) -> str:
    """What JSON Schema says about a setting, in words."""
    described = next((each for each in described.get("anyOf", []) if each.get("type") != "null"), described)
    if "$ref" in described:
        described = schema["$defs"][described["$ref"].rpartition("/")[2]]
    if "enum" in described:
        return ", ".join(f"`{value}`" for value in described["enum"])
    if described["type"] == "boolean":
        return "`true`, `false`"
    if described["type"] in {"integer", "number"}:
        kind = "whole number" if described["type"] == "integer" else "number"
        bounds = {bound: f"{described[bound]:,}".removesuffix(".0") for bound in BOUNDS if bound in described}
        return " ".join([kind, *(BOUNDS[bound].format(value) for bound, value in bounds.items())])
    return {"password": "secret", "file-path": "name of a file"}.get(described.get("format", ""), "text")


if __name__ == "__main__":
    sys.stdout.write(reference())
