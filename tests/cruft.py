"""The cruft of the tests' own environment, and the template as a repository that it can clone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools import options

CRUFT = Path(sys.executable).with_name("cruft")
SECONDS = 300
# The files of a service: the content of each, and whether it is executable.
Contents = dict[str, tuple[bytes, bool]]
COMMITTER = {f"GIT_{who}_{what}": "team@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def run(*command: str, cwd: Path) -> str:
    """Run a command, which must succeed. Returns what it printed, warnings and errors last."""
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | COMMITTER, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def cruft(*arguments: str, cwd: Path) -> str:
    """`uvx cruft`, as a team runs it."""
    return run(str(CRUFT), *arguments, cwd=cwd)


def commit(folder: Path, message: str = "all") -> str:
    """Commit everything in a folder, which becomes a repository if it is not one yet. Returns the commit."""
    run("git", "init", "--quiet", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    run("git", "commit", "--quiet", "--allow-empty", "--message", message, cwd=folder)
    return run("git", "rev-parse", "HEAD", cwd=folder).strip()


def working_tree(into: Path) -> None:
    """Copy every file of the template as it stands here, uncommitted changes included."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=options.ROOT)
    for file in filter(None, listed.split("\0")):
        if (options.ROOT / file).is_file():
            (into / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(options.ROOT / file, into / file)


def contents(folder: Path) -> Contents:
    """Every file of a service without what git and cruft keep: its content, and whether it is executable."""
    files = (file for file in folder.rglob("*") if file.is_file() and ".git" not in file.relative_to(folder).parts)
    named = {file.relative_to(folder).as_posix(): file for file in files if file.name != ".cruft.json"}
    return {name: (file.read_bytes(), os.access(file, os.X_OK)) for name, file in named.items()}
