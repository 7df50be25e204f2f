"""What the service accepts as settings, and where."""

from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.config import InvalidSettings, load_settings
from {{ cookiecutter.package_name }}.config.example import example
from {{ cookiecutter.package_name }}.config.reference import reference

ROOT = Path(__file__).parents[2]


def refused(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    """The problems that these variables cause."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings) as error:
        load_settings()
    return list(error.value.problems)


def test_needs_nothing_on_a_developers_machine() -> None:
    assert load_settings().service.environment == "local"


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PORT", "")
    assert load_settings().http.port == 8000


def test_words_may_be_written_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    monkeypatch.setenv("ENVIRONMENT", "Local")
    settings = load_settings()
    assert (settings.log.level, settings.service.environment) == ("warning", "local")


def test_names_every_variable_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = refused(
        monkeypatch,
        HTTP_PORT="eighty",
        LOG_LEVEL="loud",
        DATABASE_URL="oracle://user:hidden@host/name",
        SHUTDOWN_GRACE_SECONDS="0",
    )
    assert [problem.partition(":")[0] for problem in problems] == [
        "HTTP_PORT",
        "LOG_LEVEL",
        "DATABASE_URL",
        "SHUTDOWN_GRACE_SECONDS",
    ]
    assert "hidden" not in str(problems)


def test_production_refuses_to_be_chatty(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = refused(monkeypatch, ENVIRONMENT="production", LOG_LEVEL="debug")
    assert any(problem.startswith("LOG_LEVEL:") for problem in problems)


def test_a_command_is_judged_by_the_settings_that_it_works_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    assert load_settings(["http", "log"]).service.environment == "production"
    assert refused(monkeypatch, LOG_LEVEL="debug")
    assert load_settings(["http"]).log.level == "debug"


def test_the_example_lists_every_setting() -> None:
    assert (ROOT / ".env.example").read_text() == example(), "run `make env-example`"


def test_the_reference_lists_every_setting() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == reference(), "run `make configuration`"
