#!/usr/bin/env python3
"""Locks the newest dependencies of a day, or one package of them, and writes that day into pyproject.toml.

Needs uv and nothing else. If nothing can be locked, pyproject.toml stays as it was.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

PROJECT = Path("pyproject.toml")
DAY = re.compile(r"(?m)^exclude-newer = .*\n")
PACKAGES = re.compile(r"(?m)^exclude-newer-package = .*\n")
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("until", type=date.fromisoformat, help="the day, such as 2026-01-31; nothing newer is locked")
    parser.add_argument("package", nargs="?", default="", help="one package, instead of all")
    given = parser.parse_args()
    if given.package and not NAME.fullmatch(given.package):
        parser.error(f"not the name of a package: {given.package}")
    before = PROJECT.read_text(encoding="utf-8")
    PROJECT.write_text(moved(before, f"{given.until}T23:59:59Z", normalized(given.package)), encoding="utf-8")
    how = ["--upgrade-package", given.package] if given.package else ["--upgrade"]
    done = subprocess.run(["uv", "lock", *how], check=False)  # noqa: S603, S607 - no shell
    if done.returncode:
        PROJECT.write_text(before, encoding="utf-8")
        sys.exit(done.returncode)


def moved(text: str, day: str, package: str) -> str:
    """The project with a later day: for everything, which ends exceptions with a day, or for one package."""
    settings: dict[str, Any] = tomllib.loads(text).get("tool", {}).get("uv", {})
    exceptions: dict[str, Any] = settings.get("exclude-newer-package", {})
    if "exclude-newer" not in settings or len(DAY.findall(text)) != 1:
        sys.exit("pyproject.toml has no line `exclude-newer = ...`; write it under [tool.uv]")
    if exceptions and not PACKAGES.search(text):
        sys.exit("write `exclude-newer-package = {...}` on one line of pyproject.toml, under [tool.uv]")
    if package:
        line = DAY.findall(text)[0]
        exceptions = exceptions | {package: day}
    else:
        line = f'exclude-newer = "{day}"\n'
        exceptions = {name: value for name, value in exceptions.items() if not isinstance(value, str)}
    if exceptions:
        pairs = ", ".join(f"{name} = {json.dumps(value)}" for name, value in sorted(exceptions.items()))
        line += "exclude-newer-package = { " + pairs + " }\n"
    return DAY.sub(lambda _: line, PACKAGES.sub("", text))


def normalized(name: str) -> str:
    """The one spelling of a package's name (the specification of names and PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
