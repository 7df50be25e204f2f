"""A team that owns a generated service and follows recipes in it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.baked import Baked
from tests.live import brokers, databases
from tests.project import Project
from tests.recipes.recipe import Recipe
from tools import options

# What is declared on a broker that others use as well carries the service's name.
SETUPS = {
    "default": {"auth": "jwt", "service_slug": f"recipes-{secrets.token_hex(4)}", "package_name": "order_service"},
    "smallest": {"database": "sqlite", "broker": "none", "tracing": "none"},
    "mysql": {"database": "mysql", "broker": "none", "auth": "jwt"},
}
# `uv run` and `uvx` would install what is in the environment of the tests already.
IN_PLACE = '#!/bin/sh\nif [ "$1" = run ]; then shift; fi\nexec "$@"\n'
# Tests that take long, and that no recipe can change; the matrix runs them.
UNTOUCHED = (
    "tests/delivery/test_environments.py",
    "tests/delivery/test_monitoring.py::test_promtool_accepts_the_rules",
)
# Written from the code by the commands at the end of a recipe.
DERIVED = ("contracts/", "observability/dashboard.json", "observability/rules.yaml", "k8s/components/monitoring/")


@dataclass(frozen=True)
class Diffstat:
    """What a recipe changed."""

    edited: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    derived: list[str] = field(default_factory=list)
    lines: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __str__(self) -> str:
        edited, new, derived = map(self._sum, (self.edited, self.new, self.derived))
        return f"edited by hand {edited}, new {new}, written by commands {derived}"

    def _sum(self, files: list[str]) -> str:
        added, removed = (sum(numbers) for numbers in zip((0, 0), *(self.lines[file] for file in files), strict=True))
        return f"{len(files)} files (+{added} -{removed})"


class Team:
    """The service and its repository."""

    def __init__(self, setup: str, baked: Baked, folder: Path) -> None:
        """Commit what was generated. `setup`: its name."""
        self.setup = setup
        self.project = Project(baked, folder)
        self.settings = {"PYTEST_ADDOPTS": " ".join(f"--deselect={test}" for test in UNTOUCHED)}
        for name in ("uv", "uvx"):
            command = self.project.environment.bin / name
            command.unlink(missing_ok=True)
            command.write_text(IN_PLACE, encoding="utf-8")
            command.chmod(0o755)
        self.run("git init -q -b main && git config user.name team && git config user.email team@example.com")
        self.commit()
        self.run("git tag generated")

    @contextmanager
    def working(self, folder: Path) -> Iterator[None]:
        """With an empty database, and the service as it was generated; nothing of it stays."""
        with databases.EVERY[self.project.baked.answers["database"]].fresh(folder) as url:
            self.settings["DATABASE_URL"] = url
            try:
                yield
            finally:
                self.run("git reset --quiet --hard generated && git clean --quiet -d -x --force")

    @property
    def path(self) -> Path:
        """The service's folder."""
        return self.project.path

    def recipe(self, name: str) -> Recipe:
        """A document of the service."""
        return Recipe.read(self.path / "docs" / "how-to" / f"{name}.md")

    def follow(self, recipe: Recipe) -> None:
        """Do what it says."""
        __tracebackhide__ = True
        recipe.apply(self.path, self.run)

    def run(self, line: str, **settings: str) -> str:
        """Type a line into a shell; it must succeed. Answers what it printed."""
        __tracebackhide__ = True
        return self.project.run("sh", "-c", line, **self.settings, **settings)

    def fail(self, line: str) -> str:
        """Type a line that must fail. Answers what it printed."""
        __tracebackhide__ = True
        return self.project.fail("sh", "-c", line, **self.settings)

    def commit(self) -> None:
        """Everything that is there."""
        self.run("git add --all && git commit --quiet --message state")

    def diffstat(self) -> Diffstat:
        """What differs from the last commit."""
        stat = Diffstat()
        self.run("git add --all")
        for line in self.run("git diff --cached --numstat HEAD").splitlines():
            added, removed, file = line.split("\t")
            stat.lines[file] = (int(added), int(removed))
        for line in self.run("git diff --cached --name-status --no-renames HEAD").splitlines():
            status, file = line.split("\t")
            kind = stat.derived if file.startswith(DERIVED) else stat.new if status == "A" else stat.edited
            kind.append(file)
        return stat


def case(setup: str, group: str, *values: object, name: str) -> ParameterSet:
    """The parameters of a test of a team; those of one group run in one process, and share its service."""
    answers = {option: choices[0] for option, choices in options.choices().items()} | SETUPS[setup]
    servers = [databases.EVERY[answers["database"]].server, brokers.EVERY[answers["broker"]].server]
    needed = [f"Python {answers['python_version']}", *filter(None, servers)]
    marks = [*map(pytest.mark.needs, needed), pytest.mark.xdist_group(f"recipes-{group}")]
    return pytest.param(setup, *values, id=f"{setup}-{name}", marks=marks)
