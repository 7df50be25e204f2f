"""The sample as processes that import this package."""

import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where processes keep bytecode: outside this folder, and so that a restart need not compile everything."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch, bytecode: Path) -> None:
    """Processes find this package."""
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(bytecode))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
