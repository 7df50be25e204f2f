"""The first minute of a new owner: generate, install, test. Only uv's cache is shared with other projects."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.report import MEASURED
from tools import interpreters, options, uv

DEFAULT_PYTHON = options.choices()["python_version"][0]


@pytest.mark.needs(f"Python {DEFAULT_PYTHON}")
def test_from_nothing_to_a_passing_test(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    _run("uv", "sync", cwd=_generate(tmp_path / "warm"))  # fills uv's cache, which is not what is measured
    begun = time.perf_counter()
    service = _generate(tmp_path)
    generated = time.perf_counter() - begun
    _run("uv", "sync", cwd=service)
    _run("uv", "run", "pytest", "-q", "-x", "tests/unit", cwd=service)
    total = time.perf_counter() - begun
    record_property(MEASURED, f"generated after {generated:.1f} s, its unit tests passed after {total:.1f} s")
    assert "serve" in _run("uv", "run", service.name, "--help", cwd=service)


def _generate(folder: Path) -> Path:
    """As on the command line: a process of its own, all defaults."""
    folder.mkdir(exist_ok=True)
    _run("cookiecutter", "--no-input", "--default-config", str(options.ROOT), cwd=folder)
    (service,) = (path for path in folder.iterdir() if (path / "pyproject.toml").exists())
    return service


def _run(*command: str, cwd: Path) -> str:
    """A command as the owner types it, with the interpreter that the service asks for on PATH."""
    interpreter = interpreters.find(DEFAULT_PYTHON)
    assert interpreter
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    tools = [str(Path(uv.executable()).parent), str(Path(sys.executable).parent)]
    environment["PATH"] = os.pathsep.join([str(interpreter.parent), *tools, environment["PATH"]])
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
