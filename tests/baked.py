"""A generated project, and how to generate one: the words that all other tests are written in."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tools import rendering
from tools.options import ROOT

SECONDS = 600


def user_environment(home: Path) -> dict[str, str]:
    """The environment of a user with this home directory, who has no settings of cookiecutter."""
    return {name: value for name, value in os.environ.items() if name != "COOKIECUTTER_CONFIG"} | {"HOME": str(home)}


@dataclass(frozen=True)
class Baked:
    """A project that cookiecutter generated. Others read it too: whoever changes it takes a copy."""

    path: Path
    answers: Mapping[str, Any]
    printed: str = ""

    @property
    def files(self) -> set[str]:
        """Every file, as a path within the project."""
        return {path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if not path.is_dir()}

    @property
    def own_files(self) -> set[str]:
        """Every file but those of the chassis, which is the same library in every service."""
        return {path for path in self.files if not path.startswith("chassis/")}

    @property
    def package(self) -> Path:
        """The folder of the service's own package."""
        return self.path / "src" / str(self.answers["package_name"])

    def read(self, path: str) -> str:
        """The text of one file; bytes that are not text, as in packed files, are replaced."""
        return (self.path / path).read_text(encoding="utf-8", errors="replace")

    def run(self, *command: str, expect: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project; unless it ends as expected, fail and show what it said."""
        done = subprocess.run(
            command,
            cwd=self.path,
            env=os.environ | env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        what = f"`{' '.join(command)}` in {self.path.name} ended with {done.returncode}, not {expect}"
        assert done.returncode == expect, f"{what}\n{done.stdout}\n{done.stderr}"
        return done

    def copy(self, to: Path) -> "Baked":
        """The same project at another place, to be changed at will."""
        return Baked(shutil.copytree(self.path, to / self.path.name), self.answers, self.printed)


Bake = Callable[..., Baked]


class Refused(Exception):  # noqa: N818 - an answer of the template, not an error of the tests
    """Nothing was generated; `lines` is what the hooks told the user."""

    def __init__(self, stderr: str, reason: Exception | None = None) -> None:
        super().__init__(f"{reason}\n{stderr}")
        self.lines = stderr.splitlines()


def bake(cookies: Any, answers: Mapping[str, Any], template: Path = ROOT) -> Baked:  # noqa: ANN401 - untyped plugin
    """Generate a project in-process from answers that are taken literally."""
    literally = {option: rendering.literal(answer) for option, answer in answers.items()}
    with _hooks_heard() as (stdout, stderr):
        result = cookies.bake(extra_context=literally, template=str(template))
        said, complained = _text(stdout), _text(stderr)
    if result.exception:
        raise Refused(complained, result.exception)
    return Baked(result.project_path, result.context, said)


@contextmanager
def _hooks_heard() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Hooks are processes of their own and write to the descriptors, past everything that Python could replace."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        os.dup2(stdout.fileno(), 1)
        os.dup2(stderr.fileno(), 2)
        try:
            yield stdout, stderr
        finally:
            for descriptor, original in enumerate(kept, start=1):
                os.dup2(original, descriptor)
                os.close(original)


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()
