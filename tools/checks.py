"""Runs the tools of the chassis over one state of it, and keeps what they said."""

import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tools import environments, other_servers
from tools.private_server import ServerError

# What tests may need of this machine, beside LIVE_* and CHAOS_*; nothing else of it may leak in.
INHERITED = ("HOME", "LANG", "LIVE", "TMPDIR", "TZ")
# The copies lie in a folder that git ignores.
RUFF = ("--no-cache", "--no-respect-gitignore", ".")
IN_PARALLEL = ("-n", "2", "--dist", "loadgroup")
EVERY_TEST = ("-m", "long or not long")
# The name of a step for which a server was missing.
MISSING = "DID NOT RUN"


@dataclass(frozen=True)
class Step:
    """A command that was run."""

    where: str
    name: str
    seconds: float
    output: str
    failed: bool


@dataclass
class Checks:
    """Runs the tools over one state of the chassis."""

    where: str
    folder: Path
    environment: environments.Environment
    memory: Path
    # Whether each test is shown as it ends, for runs of minutes.
    verbose: bool = False
    steps: list[Step] = field(default_factory=list)

    def code(self) -> None:
        """Style, types, dependency rules."""
        self.run("ruff check", "ruff", "check", *RUFF)
        self.run("ruff format", "ruff", "format", "--check", *RUFF)
        self.run("mypy --strict", "mypy", "--strict")
        self.run("lint-imports", "lint-imports", "--no-cache")

    def on(self, server: other_servers.OtherServer, *, long: bool) -> None:
        """The tests of a server of their own. Raises ServerError."""
        runs = server.whole if long else server.smoke
        if not runs:
            return
        version = server.fetch() if long else server.version()
        if version is None:
            raise ServerError(f"{server.name} was not fetched")
        print(f"{server.name} is {version}", flush=True)
        with server.running() as settings:
            for arguments in runs:
                self.tests(*IN_PARALLEL, *(EVERY_TEST if long else ()), *arguments, **settings)

    def tests(self, *arguments: str, **settings: str) -> None:
        """Its tests; LIVE=none skips those that need a server."""
        self.run("pytest", "pytest", "-v" if self.verbose else "-q", "-rfE", *arguments, **settings)

    def run(self, name: str, *command: str, **settings: str) -> None:
        """Run a command, show how it ended, and keep that."""
        start = time.monotonic()
        lines: list[str] = []
        with subprocess.Popen(
            [self.environment.bin / command[0], *command[1:]],
            cwd=self.folder,
            env=self._variables() | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in process.stdout or ():
                lines.append(line)
                if self.verbose:
                    print(line, end="", flush=True)
        seconds = time.monotonic() - start
        step = Step(self.where, name, seconds, "".join(lines), failed=process.returncode != 0)
        self.steps.append(step)
        last = step.output.strip().splitlines()[-1:] if name == "pytest" else []
        print(f"{'FAILED' if step.failed else 'ok':6} {seconds:6.1f} s  {self.where}: {name}", *last, flush=True)
        if step.failed and not self.verbose:
            print(step.output, flush=True)

    def _variables(self) -> dict[str, str]:
        prefixes = ("LIVE_", "CHAOS_")
        inherited = {name: os.environ[name] for name in os.environ if name in INHERITED or name.startswith(prefixes)}
        return inherited | {
            "PATH": f"{self.environment.bin}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(self.folder / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MYPY_CACHE_DIR": str(self.memory / "mypy"),
            "HYPOTHESIS_STORAGE_DIRECTORY": str(self.memory / "hypothesis"),
        }
