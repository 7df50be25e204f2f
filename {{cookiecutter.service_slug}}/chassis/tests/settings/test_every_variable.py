"""Every variable of every section: a value that cannot be used is one line, exit code 2, and no traceback."""

import inspect
import os
import pkgutil
from collections.abc import Iterator
from dataclasses import make_dataclass
from importlib import import_module
from typing import Any, get_args

import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr

import chassis
from chassis.cli import create_cli
from chassis.settings import Section, ServerSection, ServiceSettings
from chassis.telemetry.settings import LogSettings
from tests.served import NAME

NOT_UTF_8 = b"hidden\xff"


def sections() -> Iterator[type[Section]]:
    """Those with variables of their own, of all choices."""
    for module in pkgutil.walk_packages(chassis.__path__, "chassis."):
        if module.name.endswith(".settings") or module.name == "chassis.settings.service":
            for _, found in inspect.getmembers(import_module(module.name), inspect.isclass):
                if issubclass(found, Section) and found.__module__ == module.name and has_variables(found):
                    yield found


def has_variables(section: type[Section]) -> bool:
    """False for the base classes of sections."""
    return bool(section.model_config.get("env_prefix")) or section is ServiceSettings


def is_text(section: type[Section], field: str) -> bool:
    """Whether any text is allowed, or a rule of its own decides."""
    kind = section.model_fields[field].annotation
    return bool({str, SecretStr} & {kind, *get_args(kind)})


FIELDS = [(section, field) for section in sections() for field in section.model_fields]
NAMES = [f"{section.__module__}-{section.variable(field)}" for section, field in FIELDS]


def start(section: type[Section]) -> Result:
    """Start a service that has the section."""
    fields: list[Any] = [("service", ServiceSettings), ("log", LogSettings), ("section", section)]
    settings = make_dataclass("Settings", fields, frozen=True)
    unused: Any = pytest.fail
    main = create_cli(NAME, settings=lambda: settings, bootstrap=unused, migrations=unused)
    return CliRunner().invoke(main, ["serve"])


def assert_refused(result: Result, variable: str) -> None:
    """One line that names the variable, and no more."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"cannot start: {variable}: ")
    assert result.stderr.count("\n") == 1
    assert "hidden" not in result.stderr


def test_the_sections_are_found() -> None:
    assert {"HTTP_PORT", "LOG_LEVEL", "ENVIRONMENT"} <= {section.variable(field) for section, field in FIELDS}


@pytest.mark.parametrize(("section", "field"), FIELDS, ids=NAMES)
def test_a_value_that_cannot_be_used_is_one_line(
    section: type[Section], field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = section.variable(field)
    example = section.example if issubclass(section, ServerSection) else "hidden=a"
    values = [NOT_UTF_8, example.encode() + NOT_UTF_8]
    if not is_text(section, field):
        values += [b"hidden", b"inf", b"nan", b"hidden" * 1_000]
    for value in values:
        monkeypatch.setenv(variable, os.fsdecode(value))
        assert_refused(start(section), variable)
