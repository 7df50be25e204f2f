"""Reads a service's settings and reports every problem at once."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar, get_type_hints

from pydantic import ValidationError
from pydantic_settings import SettingsError

from .errors import InvalidSettings
from .guard import validate_environment
from .section import Section
from .service import ServiceSettings


class SettingsGroup(Protocol):
    """A frozen dataclass whose fields are sections, one of them `service`."""

    @property
    def service(self) -> ServiceSettings: ...


S = TypeVar("S", bound=SettingsGroup)


def sections(settings: type[Any]) -> Mapping[str, type[Section]]:
    """The sections of a settings class, by the names of its fields."""
    return get_type_hints(settings)


def load_settings(settings: type[S], used: Iterable[str] | None = None) -> S:
    """Read the environment and validate it.

    Args:
        settings: a frozen dataclass whose fields are sections.
        used: the groups that will be used; all if not given. The others must be valid but may be left at their
            defaults in any environment: a migration needs the database alone.

    Raises:
        InvalidSettings: one line `NAME: what is wrong` for every problem, not only for the first.
    """
    values: dict[str, Section] = {}
    problems: list[str] = []
    for name, section in sections(settings).items():
        try:
            values[name] = section()
        except (OSError, ValueError) as error:
            problems += _problems(section, error)
        problems += section.library_problems()
    if problems:
        raise InvalidSettings(list(dict.fromkeys(problems)))
    loaded = settings(**values)
    chosen = values if used is None else {name: values[name] for name in used}
    if problems := validate_environment(loaded.service.environment, chosen.values()):
        raise InvalidSettings(problems)
    return loaded


def _problems(section: type[Section], error: OSError | ValueError) -> Iterator[str]:
    """Never with a value: it could be a secret in the wrong place."""
    if isinstance(error, ValidationError):
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            yield f"{_name(section, each['loc'])}: {_reason(each['msg'])}"
    elif isinstance(error, SettingsError):  # a value that is JSON, such as a list, but malformed
        field = re.search(r'field "(\w+)"', str(error))
        yield f"{_name(section, (field[1],) if field else ())}: must be JSON"
    elif isinstance(error, UnicodeDecodeError):  # nothing but a file is decoded
        yield f"{section.model_config.get('env_file')}: is not UTF-8 text"
    else:
        yield f"{_name(section, ())}: {_reason(error.strerror or '' if isinstance(error, OSError) else 'is malformed')}"


def _name(section: type[Section], location: tuple[int | str, ...]) -> str:
    """The variable; that of the whole section for a rule about several of its values, which has no location."""
    if location:
        return section.variable(str(location[0]))
    prefix = section.model_config.get("env_prefix")
    return f"{prefix}*" if prefix else ", ".join(map(section.variable, section.model_fields))


def _reason(message: str) -> str:
    message = " ".join(message.removeprefix("Value error, ").split())
    return f"{message[:1].lower()}{message[1:]}"
