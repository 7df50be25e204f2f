"""What must not happen outside a developer's machine, checked before anything starts."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic.config import JsonDict

from .environment import Environment
from .section import Section

# A field marked so has a stand-in that forgets everything, fit for local use only.
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


def refusals(environment: Environment, sections: Iterable[Section]) -> list[str]:
    """Why these settings may not be used in this environment; empty if they may."""
    if environment is Environment.LOCAL:
        return []
    problems = []
    for section in sections:
        for name, field in type(section).model_fields.items():
            value = getattr(section, name)
            variable = section.variable(name)
            if field.json_schema_extra == REQUIRED_OUTSIDE_LOCAL and value is None:
                problems.append(f"{variable}: must be set where ENVIRONMENT={environment}")
            if environment is Environment.PRODUCTION:
                problems += _refused_in_production(variable, value)
    return problems


def _refused_in_production(variable: str, value: object) -> list[str]:
    if isinstance(value, SecretStr) and _is_placeholder(value.get_secret_value()):
        return [f"{variable}: holds a placeholder; put the real secret there"]
    if variable == "LOG_LEVEL" and value == "debug":
        return ["LOG_LEVEL: debug tells too much for production; use info, and `log-level debug` for some minutes"]
    return []


def _is_placeholder(secret: str) -> bool:
    """True for a secret, or the password within a URL, that stands in every example."""
    password = urlsplit(secret).password if "://" in secret else secret
    return password is not None and password.lower() in PLACEHOLDERS
