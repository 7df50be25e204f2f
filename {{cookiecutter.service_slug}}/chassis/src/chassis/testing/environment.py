"""Isolates tests from the machine's settings."""

from collections.abc import Iterable

import pytest

from ..settings import Section


def clear_settings(monkeypatch: pytest.MonkeyPatch, sections: Iterable[type[Section]]) -> None:
    """Neither a variable of the machine nor a developer's `.env` reaches the test."""
    for section in sections:
        for name in section.model_fields:
            monkeypatch.delenv(section.variable(name), raising=False)
        monkeypatch.setitem(section.model_config, "env_file", None)
