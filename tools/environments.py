"""Virtual environments that make it cheap to run many generated projects.

Installing every project's requirements takes seconds and hundreds of megabytes each. Instead, one shared environment
per interpreter holds what all choices together require, and each project gets a tiny environment of its own on top of
it, with nothing installed but the project and its chassis. So its commands, version and tests are real, and projects do
not disturb each other. What a project forgets to require is noticed elsewhere: tests/live/test_installed.py installs
each choice from its own pyproject.toml.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools import options, uv

SHARED = options.ROOT / ".cache" / "environments"
BUILD_BACKEND = ["editables", "hatchling"]


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    path: Path

    @property
    def bin(self) -> Path:
        """Where its commands are."""
        return self.path / "bin"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.bin / "python"

    @property
    def site_packages(self) -> Path:
        """Where its packages are."""
        return next((self.path / "lib").glob("python3.*")) / "site-packages"


def shared(version: str, interpreter: Path) -> Environment:
    """The union of all requirements for this interpreter."""
    return kept(SHARED / version, interpreter, [*options.requirements(), *BUILD_BACKEND])


def kept(path: Path, interpreter: Path, requirements: list[str]) -> Environment:
    """An environment with these requirements; made anew only when they, or their date, change."""
    wanted = "\n".join([str(interpreter), options.tested_on(), *requirements])
    environment = Environment(path)
    stamp = path / "made-from.txt"
    with locked(path.with_name(f"{path.name}.lock")):
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            _create(environment, interpreter)
            _pip_install(environment, "--exclude-newer", options.tested_on(), *requirements)
            stamp.write_text(wanted, encoding="utf-8")
    return environment


def for_project(project: Path, where: Path, base: Environment) -> Environment:
    """An environment that sees everything in `base` and has the project and its chassis installed, editable."""
    environment = Environment(where)
    _create(environment, base.python.resolve())
    chassis = project / "chassis" / "src"  # a member of the project's workspace, so it is not installed but seen
    seen = [chassis, base.site_packages] if chassis.is_dir() else [base.site_packages]
    (environment.site_packages / "shared.pth").write_text("".join(f"{path}\n" for path in seen), encoding="utf-8")
    _borrow_commands(environment, base)
    editable = [argument for each in (project / "chassis", project) for argument in ("--editable", str(each))]
    _pip_install(environment, "--no-deps", "--no-build-isolation", *editable)
    return environment


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time: several test workers ask for the same environment at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _create(environment: Environment, interpreter: Path) -> None:
    shutil.rmtree(environment.path, ignore_errors=True)
    uv.call("venv", "--python", str(interpreter), str(environment.path))


def _pip_install(environment: Environment, *arguments: str) -> None:
    uv.call("pip", "install", "--python", str(environment.python), *arguments)


def _borrow_commands(environment: Environment, base: Environment) -> None:
    """Scripts such as `pytest` must start the interpreter that sees the project; `ruff` and its like only be there."""
    for command in base.bin.iterdir():
        target = environment.bin / command.name
        if target.exists() or command.is_symlink():
            continue
        content = command.read_bytes()
        if content.startswith(b"#!"):
            target.write_bytes(content.replace(str(base.bin).encode(), str(environment.bin).encode()))
            target.chmod(0o755)
        else:
            target.symlink_to(command)
