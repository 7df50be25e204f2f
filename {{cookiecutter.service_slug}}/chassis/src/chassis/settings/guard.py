"""Rules for everything outside a developer's machine, checked before anything starts."""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic.config import JsonDict

from .environment import Environment
from .section import Section

# Marks a field whose default, such as an in-memory adapter, is fit for local use only.
REQUIRED_OUTSIDE_LOCAL: JsonDict = {"required_outside_local": True}
PLACEHOLDERS = frozenset(
    {
        "change-me",
        "changeme",
        "local-only",
        "password",
        "placeholder",
        "postgres",
        "root",
        "secret",
    }
)


def validate_environment(environment: Environment, sections: Iterable[Section]) -> list[str]:
    """Why these settings must not be used in this environment; empty if they may."""
    if environment is Environment.LOCAL:
        return []
    return [problem for section in sections for problem in _problems(environment, section)]


def _problems(environment: Environment, section: Section) -> Iterator[str]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        variable = section.variable(name)
        is_default = value is None or name not in section.model_fields_set
        if field.json_schema_extra == REQUIRED_OUTSIDE_LOCAL and is_default:
            yield f"{variable}: must be set where ENVIRONMENT={environment}"
        if environment is Environment.PRODUCTION and _is_placeholder(value):
            yield f"{variable}: holds a placeholder; put the real secret there"
    yield from section.problems_in(environment)


def _is_placeholder(value: object) -> bool:
    """True for a secret, or the password within a URL, that stands in every example."""
    if not isinstance(value, SecretStr):
        return False
    secret = value.get_secret_value()
    password = urlsplit(secret).password if "://" in secret else secret
    return password is not None and password.lower() in PLACEHOLDERS
