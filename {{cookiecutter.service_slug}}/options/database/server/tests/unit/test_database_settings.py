"""Which databases are accepted, and where."""

import pytest

from {{ cookiecutter.package_name }}.config import load_settings

from ..elsewhere import ELSEWHERE
from .test_settings import refused


@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
def test_data_may_live_in_memory_only_on_a_developers_machine(
    monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    [problem] = refused(monkeypatch, **ELSEWHERE | {"ENVIRONMENT": environment})
    assert problem.startswith("DATABASE_URL: must be set")


@pytest.mark.parametrize("password", ["change-me", "Password", "postgres", "root"])
def test_production_refuses_placeholders(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    url = f"{{ cookiecutter.database }}://service:{password}@database/name"
    [problem] = refused(monkeypatch, **ELSEWHERE | {"ENVIRONMENT": "production", "DATABASE_URL": url})
    assert problem.startswith("DATABASE_URL: holds a placeholder")
    assert url not in problem


def test_production_accepts_a_real_password(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "{{ cookiecutter.database }}://service:tIg3r-81-meadow@database/name"
    for name, value in (ELSEWHERE | {"ENVIRONMENT": "production", "DATABASE_URL": url}).items():
        monkeypatch.setenv(name, value)
    assert "tIg3r" not in repr(load_settings())
