"""Where a user generates a service."""

from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home directory."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """The folder that services are put into."""
    folder = tmp_path / "deep" / "output"
    folder.mkdir(parents=True)
    return folder
