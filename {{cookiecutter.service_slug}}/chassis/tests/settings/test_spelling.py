"""Variables that are nearly the name of a setting."""

from pathlib import Path

import pytest
from pydantic import Field

from chassis.settings import Section, misspelled


class PoolSettings(Section, env_prefix="POOL_"):
    """Connections."""

    size: int = Field(10, description="size")
    wait_seconds: float = Field(5, description="wait")


class ListeningSettings(Section, env_prefix="HTTP_"):
    """Where it listens."""

    port: int = Field(8000, description="port")


class ExportSettings(Section):
    """What a specification names."""

    otel_exporter_otlp_endpoint: str = Field("", description="collector")


SECTIONS = (PoolSettings, ListeningSettings, ExportSettings)


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("POOL_SIZ", "POOL_SIZE"),
        ("pool_sise", "POOL_SIZE"),
        ("POOL_WAIT_SECOND", "POOL_WAIT_SECONDS"),
        ("HTTP_PROT", "HTTP_PORT"),
    ],
)
def test_names_the_setting_that_was_meant(monkeypatch: pytest.MonkeyPatch, variable: str, nearest: str) -> None:
    monkeypatch.setenv(variable, "secret")
    assert misspelled(SECTIONS) == {variable.upper(): nearest}


@pytest.mark.parametrize("variable", ["POOL_SIZE", "HTTP_PROXY", "SPOOL_SIZE", "POOLS", "OTEL_EXPORTER_OTLP_ENDPOIN"])
def test_says_nothing_of_other_variables(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "secret")
    assert misspelled(SECTIONS) == {}


def test_looks_into_the_file_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POOL_SIZ=3\n")
    monkeypatch.setitem(PoolSettings.model_config, "env_file", tmp_path / ".env")
    assert misspelled(SECTIONS) == {"POOL_SIZ": "POOL_SIZE"}
