"""Which databases are accepted, and where."""

import pytest

from {{ cookiecutter.package_name }}.config import load_settings

from .test_settings import refused


@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
def test_data_may_live_in_memory_only_on_a_developers_machine(
    monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    [problem] = refused(monkeypatch, ENVIRONMENT=environment)
    assert problem.startswith("DATABASE_URL: must be set")


@pytest.mark.parametrize("password", ["change-me", "Password", "postgres", "root"])
def test_production_refuses_placeholders(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    url = f"{{ cookiecutter.database }}://service:{password}@database/name"
    [problem] = refused(monkeypatch, ENVIRONMENT="production", DATABASE_URL=url)
    assert problem.startswith("DATABASE_URL: holds a placeholder")
    assert url not in problem


def test_production_accepts_a_real_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("DATABASE_URL", "{{ cookiecutter.database }}://service:tIg3r-81-meadow@database/name")
    assert "tIg3r" not in repr(load_settings())
