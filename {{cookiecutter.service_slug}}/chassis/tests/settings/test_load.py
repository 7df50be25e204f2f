"""Which settings are accepted, in which environment, and how problems are reported."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
from pydantic import Field, FilePath, SecretStr, model_validator

from chassis.settings import (
    REQUIRED_OUTSIDE_LOCAL,
    Environment,
    InvalidSettings,
    Section,
    ServiceSettings,
    load_settings,
)
from chassis.telemetry.settings import LogSettings


class ListenSettings(Section, env_prefix="LISTEN_"):
    """Where it listens."""

    port: int = Field(8000, ge=0, le=65535, description="port")
    names: list[str] = Field([], description="names")


class StoreSettings(Section, env_prefix="STORE_"):
    """Where data is stored."""

    url: SecretStr | None = Field(None, description="URL", json_schema_extra=REQUIRED_OUTSIDE_LOCAL)
    password_file: FilePath | None = Field(None, description="file")
    lowest: int = Field(0, description="lowest")
    highest: int = Field(9, description="highest")

    @model_validator(mode="after")
    def is_range(self) -> Self:
        if self.lowest > self.highest:
            raise ValueError("the lowest value\nexceeds the highest")
        return self


class LimitSettings(Section):
    """Without a prefix, and with a rule about two values."""

    first_limit: int = Field(0, description="first")
    second_limit: int = Field(9, description="second")

    @model_validator(mode="after")
    def is_range(self) -> Self:
        if self.first_limit > self.second_limit:
            raise ValueError("Out of order")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """As a service declares them."""

    service: ServiceSettings
    listen: ListenSettings
    log: LogSettings
    store: StoreSettings
    limit: LimitSettings


def problems(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    """The problems that these variables cause."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings) as error:
        load_settings(Settings)
    assert str(error.value) == "\n".join(error.value.problems)
    return list(error.value.problems)


def test_the_defaults_suffice_on_a_developers_machine() -> None:
    settings = load_settings(Settings)
    assert (settings.service.environment, settings.listen.port) == (Environment.LOCAL, 8000)


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PORT", "")
    assert load_settings(Settings).listen.port == 8000


def test_words_may_be_written_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    monkeypatch.setenv("ENVIRONMENT", "Local")
    settings = load_settings(Settings)
    assert (settings.log.level, settings.service.environment) == ("warning", "local")


def test_every_wrong_variable_is_named_and_no_value_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems(monkeypatch, LISTEN_PORT="hidden", LOG_LEVEL="hidden", STORE_LOWEST="hidden", ENVIRONMENT="hidden")
    assert [each.partition(":")[0] for each in found] == ["ENVIRONMENT", "LISTEN_PORT", "LOG_LEVEL", "STORE_LOWEST"]
    assert "hidden" not in str(found)


def test_a_rule_about_several_values_is_one_line_that_names_the_section(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(monkeypatch, STORE_LOWEST="10") == ["STORE_*: the lowest value exceeds the highest"]


def test_a_rule_about_several_values_without_a_prefix_names_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(monkeypatch, FIRST_LIMIT="10") == ["FIRST_LIMIT, SECOND_LIMIT: out of order"]


def test_malformed_json_is_a_problem_of_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(monkeypatch, LISTEN_NAMES="[hidden") == ["LISTEN_NAMES: must be JSON"]


@pytest.mark.parametrize("name", ["missing", "x" * 5_000])
def test_a_file_that_does_not_exist_is_a_problem(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    [problem] = problems(monkeypatch, STORE_PASSWORD_FILE=name)
    assert problem.startswith("STORE_PASSWORD_FILE: ")
    assert name not in problem


def test_a_dotenv_file_that_is_not_text_is_one_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"LISTEN_PORT=\xff\n")
    for section in (ListenSettings, StoreSettings):
        monkeypatch.setitem(section.model_config, "env_file", str(file))
    assert problems(monkeypatch) == [f"{file}: is not UTF-8 text"]


def test_an_in_memory_adapter_is_refused_outside_of_a_developers_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(monkeypatch, ENVIRONMENT="dev") == ["STORE_URL: must be set where ENVIRONMENT=dev"]


@pytest.mark.parametrize("secret", ["change-me", "Secret", "store://user:password@host"])
def test_production_refuses_placeholders(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    [problem] = problems(monkeypatch, ENVIRONMENT="production", STORE_URL=secret)
    assert problem == "STORE_URL: holds a placeholder; put the real secret there"
    monkeypatch.setenv("ENVIRONMENT", "staging")
    assert load_settings(Settings).store.url


def test_production_refuses_debug_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems(monkeypatch, ENVIRONMENT="production", LOG_LEVEL="debug")
    assert any(each.startswith("LOG_LEVEL:") for each in found)


def test_a_command_is_judged_by_the_groups_that_it_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    assert load_settings(Settings, ["listen", "log"]).service.environment == "production"
    assert problems(monkeypatch, LOG_LEVEL="debug")
    assert load_settings(Settings, ["listen"]).log.level == "debug"


def test_names_to_redact_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_REDACTED_KEYS", "customer_name, note")
    assert load_settings(Settings).log.redacted == ["customer_name", "note"]
    [problem] = problems(monkeypatch, LOG_REDACTED_KEYS="note,_")
    assert problem.startswith("LOG_REDACTED_KEYS: names separated by commas")
