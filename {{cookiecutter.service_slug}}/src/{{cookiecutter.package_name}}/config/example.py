"""Prints `.env.example` from the settings classes; `make env-example` writes it."""

import inspect
import sys
from collections.abc import Iterator

from pydantic import SecretStr

from .section import Section
from .settings import SECTIONS


def example() -> str:
    """The file's text: every variable with what it means, commented out with its default."""
    return "\n".join(line for section in SECTIONS.values() for line in _lines(section))


def _lines(section: type[Section]) -> Iterator[str]:
    yield f"## {inspect.getdoc(section)}"
    for name, field in section.model_fields.items():
        yield f"# {field.description}"
        yield f"# {section.variable(name)}={shown(field.default)}"
    yield ""


def shown(default: object) -> str:
    """A default as it is written into the environment; a secret too, for it is known to everybody."""
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default is None else str(default)


if __name__ == "__main__":
    sys.stdout.write(example())
