"""Prints documents about a service's settings, made from the classes.

`python -m chassis.settings.documents example package.module:Settings` prints `.env.example`, and
`... reference package.module:Settings` prints `docs/configuration.md`.
"""

import inspect
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from pydantic import SecretStr

from .load import sections
from .section import Section

INTRODUCTION = """\
# Configuration

Every setting, made from the settings classes by `make configuration`. They come from the environment, or from
`.env` on a developer's machine. In a cluster `k8s/configmap.yaml` and `environments/` hold all but secrets.
"""
BOUNDS = {"minimum": "from {}", "exclusiveMinimum": "above {}", "maximum": "to {}", "exclusiveMaximum": "below {}"}
USAGE = "usage: python -m chassis.settings.documents example|reference package.module:Settings"


def example(settings: type[Any]) -> str:
    """The text of `.env.example`: every variable with its meaning, commented out with its default."""
    return "\n".join(line for section in sections(settings).values() for line in _example_lines(section))


def reference(settings: type[Any]) -> str:
    """The text of `docs/configuration.md`: a table for each section, with allowed values, default and meaning."""
    parts = ["\n".join(_reference_lines(name, section)) for name, section in sections(settings).items()]
    return "\n".join([INTRODUCTION, *parts])


def _example_lines(section: type[Section]) -> Iterator[str]:
    yield f"## {inspect.getdoc(section)}"
    for name, field in section.model_fields.items():
        yield f"# {field.description}"
        yield f"# {section.variable(name)}={_as_text(field.default)}"
    yield ""


def _reference_lines(name: str, section: type[Section]) -> Iterator[str]:
    schema = section.model_json_schema()
    yield f"## {name.capitalize()}\n\n{inspect.getdoc(section)}\n"
    yield "| variable | value | default | meaning |\n|---|---|---|---|"
    for field_name, field in section.model_fields.items():
        described = schema["properties"][field_name]
        default = f"`{_as_text(field.default)}`" if _as_text(field.default) else "not set"
        if described.get("required_outside_local"):
            required = "must be set, except with `ENVIRONMENT=local`"
            default = required if default == "not set" else f"{required}: {default}"
        variable = section.variable(field_name)
        yield f"| `{variable}` | {_values(described, schema)} | {default} | {field.description} |"
    yield ""


def _as_text(default: object) -> str:
    """A default as it is written into the environment. A secret's too: a default is public."""
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default is None else str(default)


def _values(described: dict[str, Any], schema: dict[str, Any]) -> str:
    """A setting's JSON Schema, in words."""
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


def main(arguments: Sequence[str]) -> None:
    """Print one document."""
    makers = {"example": example, "reference": reference}
    if len(arguments) != 2 or arguments[0] not in makers or ":" not in arguments[1]:
        raise SystemExit(USAGE)
    module, _, name = arguments[1].partition(":")
    sys.stdout.write(makers[arguments[0]](getattr(import_module(module), name)))


if __name__ == "__main__":
    main(sys.argv[1:])
