"""uv, called the way every tool of the template needs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def executable() -> str:
    """The uv that `make setup` put beside this interpreter, or else the one on PATH."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which("uv", path=beside) or shutil.which("uv")
    if found is None:
        raise SystemExit("uv is missing: run `make setup` first")
    return found


def call(*arguments: str, cwd: Path | None = None, downloads: bool = False) -> str:
    """Run uv; answer what it printed.

    An interpreter is never downloaded by the way: a long silent download in the middle of a test run helps nobody.
    """
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment.setdefault("UV_PYTHON_DOWNLOADS", "automatic" if downloads else "never")
    command = [executable(), *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UvError(arguments, done.stderr)
    return done.stdout.strip()


class UvError(Exception):
    """uv ended with an error; the message is its own."""

    def __init__(self, arguments: tuple[str, ...], stderr: str) -> None:
        super().__init__(f"uv {' '.join(arguments)}\n{stderr.strip()}")
