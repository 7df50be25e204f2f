"""Programs that only npm has: installed below `.cache` when they are first asked for."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

from tools import environments, options

SECONDS = 300


@cache
def installed(package: str, name: str) -> Path | None:
    """The folder that holds the package's `node_modules`; None without node or npm, or if npm cannot fetch it.

    What it depends on is as old as the versions that services are tested with, so that a clean checkout gives the same
    result later.

    Args:
        package: what npm calls it, with its version.
        name: the folder below `.cache`.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return None
    folder = options.ROOT / ".cache" / name
    wanted = f"{package} {options.tested_on()}"
    stamp = folder / "made-from.txt"
    with environments.locked(folder.with_suffix(".lock")):
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            if not _fetched(npm, package, folder):
                return None
            stamp.write_text(wanted, encoding="utf-8")
    return folder


def lines(script: Path, folder: Path | None, file: Path) -> list[str]:
    """What a script says about a file, with a package that is installed. Raises RuntimeError when it could not run."""
    command = ["node", str(script), str(folder), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode and not done.stdout:
        raise RuntimeError(done.stderr)
    return done.stdout.splitlines()


def _fetched(npm: str, package: str, folder: Path) -> bool:
    quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--no-update-notifier"]
    command = [npm, "install", *quiet, "--prefix", str(folder), "--before", options.tested_on(), package]
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
