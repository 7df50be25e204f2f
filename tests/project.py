"""A generated service with an environment of its own, for the tiers that run what was generated."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from tests import process
from tests.baked import Baked
from tools import environments, interpreters, options

CACHE = options.ROOT / ".cache"
PATIENCE_SECONDS = 2_400  # the integration tests of a pair of servers take minutes, on a busy machine many


def mypy_cache() -> str:
    """The folder for what mypy learnt of the libraries: it serves all projects, but not two processes at once."""
    return str(CACHE / "mypy" / os.environ.get("PYTEST_XDIST_WORKER", "alone"))


class Project:
    """A baked service, as its owner would have it on disk and installed."""

    def __init__(self, baked: Baked, folder: Path) -> None:
        """The folder takes a copy of the service, its environment and its log: running it leaves traces."""
        self._folder = folder
        self.baked = baked.copy(folder)
        self.path = self.baked.path
        self.slug = self.path.name
        self.package = self.baked.package.name
        # As generated, before a command has left anything.
        self.files = sorted(self.path / file for file in self.baked.files)

    @cached_property
    def environment(self) -> environments.Environment:
        """Made when the first command runs, so that checks which only read do not wait for it."""
        interpreter = interpreters.find(self._python)
        assert interpreter, f"Python {self._python} is missing; a test that runs a project is marked with what it needs"
        base = environments.shared(self._python, interpreter)
        return environments.for_project(self.path, self._folder / "environment", base)

    def run(self, *command: str, **settings: str) -> str:
        """Run one of its commands in its folder; it must succeed. Answers what it printed."""
        __tracebackhide__ = True  # what the command says is the failure, not how it was called
        done = self._ended(command, settings)
        assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def fail(self, *command: str, **settings: str) -> str:
        """Run one of its commands, which must fail. Answers everything that it said."""
        done = self._ended(command, settings)
        assert done.returncode != 0, f"{' '.join(command)} succeeded\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    @contextmanager
    def serving(self, *arguments: str, **settings: str) -> Iterator[process.Service]:
        """The service while it runs; it does not wait for load balancers before it ends, unless it is told to."""
        settings = {"SHUTDOWN_DRAIN_SECONDS": "0.2"} | settings
        command = [str(self.environment.bin / self.slug), "serve", *arguments]
        log = self._folder / "service.log"
        with process.serving(command, self.path, self._variables(settings), log) as service:
            yield service

    @contextmanager
    def working(self, **settings: str) -> Iterator[process.Service]:
        """A worker of it while it runs."""
        command = [str(self.environment.bin / self.slug), "worker"]
        log = self._folder / "worker.log"
        with process.serving(command, self.path, self._variables(settings), log, "WORKER_PORT") as worker:
            yield worker

    @property
    def _python(self) -> str:
        return str(self.baked.answers["python_version"])

    def _ended(self, command: tuple[str, ...], settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.path,
            env=self._variables(settings),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    def _variables(self, settings: dict[str, str]) -> dict[str, str]:
        """What its commands find in their environment."""
        caches = {"MYPY_CACHE_DIR": mypy_cache(), "RUFF_NO_CACHE": "true"}
        return process.clean_environment(self.environment.bin, **caches, **settings)
