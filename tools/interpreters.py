"""Finds a Python interpreter of a given version on this machine: `python -m tools.interpreters 3.13`.

uv knows most places. It gives up, though, where pyenv has the version but has not selected it: the shim is on PATH,
fails when it is asked, and ends the search. So pyenv's own folder is looked through as well.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tools import options, uv

HOW_TO_GET = "uv python install {version}"


@cache
def find(version: str) -> Path | None:
    """An interpreter of this version (`3.13`), downloaded if that is allowed and possible."""
    return _known_to_uv(version) or _kept_by_pyenv(version) or _downloaded(version)


def newest() -> tuple[str, Path]:
    """The default of the template, or else the newest other version that it offers and this machine has."""
    default, *others = options.choices()["python_version"]
    by_age = sorted(others, key=lambda version: [int(part) for part in version.split(".")], reverse=True)
    for version in [default, *by_age]:
        if interpreter := find(version):
            return version, interpreter
    raise SystemExit(f"No Python that the template offers is to be had here; try: {HOW_TO_GET.format(version=default)}")


def _known_to_uv(version: str) -> Path | None:
    try:
        return Path(uv.call("python", "find", "--no-project", "--system", version))
    except uv.UvError:
        return None


def _kept_by_pyenv(version: str) -> Path | None:
    found = sorted(_pyenv_root().glob(f"versions/{version}.*/bin/python{version}"), key=_patch_level)
    return found[-1] if found else None


def _pyenv_root() -> Path:
    if root := os.environ.get("PYENV_ROOT"):
        return Path(root)
    if pyenv := shutil.which("pyenv"):
        return Path(subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True).stdout.strip())
    return Path.home() / ".pyenv"


def _patch_level(interpreter: Path) -> tuple[int, str]:
    patch = interpreter.parent.parent.name.split(".")[2]
    return (int(patch) if patch.isdecimal() else -1, patch)


def _downloaded(version: str) -> Path | None:
    if os.environ.get("UV_PYTHON_DOWNLOADS") == "never":
        return None
    try:
        uv.call("python", "install", version, downloads=True)
    except uv.UvError:
        return None
    return _known_to_uv(version)


if __name__ == "__main__":
    wanted = sys.argv[1]
    if answer := find(wanted):
        print(answer)
    else:
        raise SystemExit(f"no Python {wanted} here; try: {HOW_TO_GET.format(version=wanted)}")
