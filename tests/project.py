"""A generated service with an environment of its own, for the tiers that run what was generated."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cookiecutter.main import cookiecutter

from tests import process
from tools import environments, interpreters, options

CACHE = options.ROOT / ".cache"
PATIENCE_SECONDS = 300


@dataclass
class Project:
    """Where it is, and what it was made from."""

    path: Path
    answers: dict[str, str]
    files: list[Path]

    @property
    def slug(self) -> str:
        """Its name, which is also its command."""
        return self.path.name

    @cached_property
    def environment(self) -> environments.Environment:
        """Made when the first command runs, so that checks which only read do not wait for it."""
        version = self.answers["python_version"]
        interpreter = interpreters.find(version)
        assert interpreter, f"Python {version} is gone"
        base = environments.shared(version, interpreter)
        return environments.for_project(self.path, self.path.parent / "environment", base)

    def variables(self, **settings: str) -> dict[str, str]:
        """What its commands find in their environment; what a type checker learnt of libraries is shared."""
        version = self.answers["python_version"]
        caches = {"MYPY_CACHE_DIR": str(CACHE / "mypy" / version), "RUFF_NO_CACHE": "true"}
        return process.clean_environment(self.environment.bin, **caches, **settings)

    def run(self, *command: str, **settings: str) -> str:
        """Run one of its commands in its folder, as its owner would; it must succeed. Answers what it wrote."""
        done = subprocess.run(
            command,
            cwd=self.path,
            env=self.variables(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}"
        return done.stdout

    @contextmanager
    def serving(self, **settings: str) -> Iterator[process.Service]:
        """The service while it runs."""
        command = [str(self.environment.bin / self.slug), "serve"]
        with process.serving(
            command, self.path, self.variables(**settings), self.path.parent / "service.log"
        ) as service:
            yield service


def make(answers: dict[str, str], folder: Path) -> Project:
    """Generate a service from these answers; what is left out takes its default."""
    complete = {name: offered[0] for name, offered in options.choices().items()} | answers
    made = cookiecutter(
        str(options.ROOT), no_input=True, default_config=True, output_dir=str(folder), extra_context=complete
    )
    path = Path(made)
    return Project(path, complete, sorted(file for file in path.rglob("*") if file.is_file()))
