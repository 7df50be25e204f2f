"""A service's folder for each test."""

from pathlib import Path

import pytest

from chassis.observability.__main__ import main

from .service import write_service


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: that of a service, with its generated files."""
    write_service(tmp_path)
    monkeypatch.chdir(tmp_path)
    main([])
    return tmp_path
