"""The first minute of a new owner: generate, install, test; once for each choice, from nothing but what it declares.

The matrix runs its services in an environment with everything, so a requirement that is missing, or one that is left
over, shows here only. Only uv's cache is shared with other projects.
"""

import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.project import mypy_cache
from tests.report import MEASURED
from tools import interpreters, options, reserved, uv

DEFAULT_PYTHON = options.choices()["python_version"][0]
# All that serving needs, with the database and the broker within the process.
SERVE = "import {package}.bootstrap, {package}.config.settings, {package}.__main__"

pytestmark = pytest.mark.needs(f"Python {DEFAULT_PYTHON}")


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


@pytest.mark.parametrize("choices", reserved.every_choice(), ids=lambda choices: "-".join(choices.values()))
def test_each_choice_installs_what_it_needs_and_nothing_of_another(tmp_path: Path, choices: dict[str, str]) -> None:
    service = _generate(tmp_path, **choices)
    _run("uv", "sync", "--no-dev", cwd=service)
    package = service.name.replace("-", "_")
    _run(".venv/bin/python", "-c", SERVE.format(package=package), cwd=service)
    _run(f".venv/bin/{service.name}", "openapi", cwd=service)
    _run("uv", "sync", cwd=service)
    _run("uv", "run", "mypy", cwd=service)
    # All of them can be imported; the matrix runs those that need no server.
    _run("uv", "run", "pytest", "-q", "--collect-only", "tests", cwd=service)
    _run("uv", "run", "pytest", "-q", "tests/unit", cwd=service)
    locked = {each["name"] for each in tomllib.loads((service / "uv.lock").read_text(encoding="utf-8"))["package"]}
    assert locked & _only_of_others(choices) == set()


def _only_of_others(choices: dict[str, str]) -> set[str]:
    """What the extras of the choices not made require, and those made do not."""
    extras = tomllib.loads((options.CHASSIS / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {name: set(map(options.distribution, each)) for name, each in extras["optional-dependencies"].items()}
    others = (each for option in choices for each in options.choices()[option] if each != choices[option])
    required = (options.distribution(each) for each in extras["dependencies"])
    needed = set(required).union(*(named.get(choice, set()) for choice in ("testing", *choices.values())))
    return set().union(*(named.get(choice, set()) for choice in others)) - needed


def _generate(folder: Path, **choices: str) -> Path:
    """As on the command line: a process of its own, all defaults but these."""
    folder.mkdir(exist_ok=True)
    answers = [f"{option}={choice}" for option, choice in choices.items()]
    _run("cookiecutter", "--no-input", "--default-config", str(options.ROOT), *answers, cwd=folder)
    (service,) = (path for path in folder.iterdir() if (path / "pyproject.toml").exists())
    return service


def _run(*command: str, cwd: Path) -> str:
    """A command as the owner types it, with the interpreter that the service asks for on PATH."""
    interpreter = interpreters.find(DEFAULT_PYTHON)
    assert interpreter
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    tools = [str(Path(uv.executable()).parent), str(Path(sys.executable).parent)]
    environment["MYPY_CACHE_DIR"] = mypy_cache()
    environment["PATH"] = os.pathsep.join([str(interpreter.parent), *tools, environment["PATH"]])
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
