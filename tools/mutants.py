"""Breaks a copy of the template on purpose, in ways that users would notice, and asks the tests: `make mutants`.

Each mutant of tests/mutants.toml replaces one piece of text and names the tests that have to fail for it. Those tests
run without any mutant first, because a test that always fails notices nothing. The working tree is never changed.
"""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tests import needs
from tools import chassis, environments, interpreters, options

LIST = options.ROOT / "tests" / "mutants.toml"
CACHE = options.ROOT / ".cache" / "mutants"
RUNNERS = ("chassis", "template", "service")
WORKERS = 2
SECONDS = 400
# Named to the tests of a service; those of the chassis and of the template look for servers themselves.
SERVERS = {"postgresql": needs.postgresql_url, "mysql": needs.mysql_url}
# Tests have failed, or could not be imported. Anything else is a mistake of the list, such as a test that is gone.
CAUGHT = (1, 2)
PYTEST = ("-q", "-x", "-rfE", "-p", "no:cacheprovider")
# Their answer depends on what is in them, and no other run may find it changed.
OF_ENVIRONMENTS = ("cookiecutter.json", "pyproject.toml")


@dataclass(frozen=True)
class Tests:
    """What has to fail.

    Args:
        runner: of the chassis, in place; of the template; or of a service.
        arguments: of pytest.
        answers: what the service is generated for; of the template, the combination that tests/matrix makes.
    """

    runner: str
    arguments: str
    answers: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        where = " ".join([self.runner, *(f"{option}={choice}" for option, choice in self.answers)])
        return f"{where}: {self.arguments}"


@dataclass(frozen=True)
class Mutant:
    """A breakage.

    Args:
        name: what a user would notice.
        file: of the template.
        text: what is in the file, once.
        instead: what takes its place.
        tests: those that have to fail.
    """

    name: str
    file: str
    text: str
    instead: str
    tests: Tests

    def applied(self, content: str) -> str:
        """The content of the file with the mutant. Raises ValueError if the text is not there exactly once."""
        if (found := content.count(self.text)) != 1:
            raise ValueError(f"{self.name}: {self.file} holds the text {found} times: {self.text!r}")
        return content.replace(self.text, self.instead)


@dataclass(frozen=True)
class Result:
    """How a run of tests ended."""

    name: str
    verdict: str
    seconds: float
    output: str = ""

    @property
    def first_failure(self) -> str:
        """The test that failed."""
        summary = self.output.rpartition("short test summary info")[2].splitlines()
        failed = [line for line in summary if line.startswith(("FAILED ", "ERROR "))]
        return failed[0].split(" - ")[0].partition(" ")[2] if failed else ""


def mutants(path: Path = LIST) -> list[Mutant]:
    """The list, in its order."""
    return [_mutant(entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]]


def _mutant(entry: Mapping[str, Any]) -> Mutant:
    [runner] = [name for name in RUNNERS if name in entry]
    tests = Tests(runner, entry[runner], tuple(sorted(entry.get("answers", {}).items())))
    return Mutant(entry["name"], entry["file"], entry["text"], entry["instead"], tests)


@dataclass
class Copy:
    """A copy of the template, where tests run one after the other."""

    folder: Path
    installed: dict[tuple[tuple[str, str], ...], environments.Environment] = field(default_factory=dict)

    def create(self) -> None:
        """Copy everything that git tracks, or would."""
        shutil.rmtree(self.folder, ignore_errors=True)
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=options.ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
        for name in filter(None, names):
            if (source := options.ROOT / name).is_file():
                target = self.root / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)

    @property
    def root(self) -> Path:
        """Of the copied template."""
        return self.folder / "template"

    @contextmanager
    def changed(self, mutant: Mutant) -> Iterator[None]:
        """Apply a mutant inside the block."""
        path = self.root / mutant.file
        before = path.read_text(encoding="utf-8")
        path.write_text(mutant.applied(before), encoding="utf-8")
        kept = self.root / ".cache" / "environments"
        if path.name in OF_ENVIRONMENTS:
            kept.unlink(missing_ok=True)
        try:
            yield
        finally:
            path.write_text(before, encoding="utf-8")
            self.link_environments()

    def link_environments(self) -> None:
        """Let tests of the template use the environments that are there."""
        kept = self.root / ".cache" / "environments"
        if not kept.exists():
            environments.SHARED.mkdir(parents=True, exist_ok=True)
            kept.parent.mkdir(exist_ok=True)
            kept.symlink_to(environments.SHARED)
        elif not kept.is_symlink():
            shutil.rmtree(kept)
            self.link_environments()

    def run(self, tests: Tests) -> tuple[int, str]:
        """Run tests; returns the exit code of pytest and what it printed."""
        arguments = shlex.split(tests.arguments)
        if tests.runner == "chassis":
            folder = self.root / options.CHASSIS.relative_to(options.ROOT)
            return _pytest(chassis.prepared().python, folder, arguments, PYTHONPATH=str(folder / "src"))
        if tests.runner == "template":
            choices = " ".join(f"{option}={choice}" for option, choice in tests.answers)
            return _pytest(Path(sys.executable), self.root, arguments, CHECK_CHOICES=choices)
        return self._run_in_service(tests, arguments)

    def _run_in_service(self, tests: Tests, arguments: list[str]) -> tuple[int, str]:
        home = self.folder / "services" / ("-".join(choice for _, choice in tests.answers) or "default")
        shutil.rmtree(home / "generated", ignore_errors=True)
        command = [str(Path(sys.executable).with_name("cookiecutter")), "--no-input", "--default-config", "-o"]
        given = [f"{option}={choice}" for option, choice in tests.answers]
        code, output = _run([*command, str(home / "generated"), str(self.root), *given], self.folder)
        if code:
            return code, output
        [service] = (home / "generated").iterdir()
        if tests.answers not in self.installed:
            base = environments.shared(*interpreters.newest())
            self.installed[tests.answers] = environments.for_project(service, home / "environment", base)
        environment = self.installed[tests.answers]
        variables = {"PATH": f"{environment.bin}:{os.environ['PATH']}", "MYPY_CACHE_DIR": str(home / "mypy")}
        database = dict(tests.answers).get("database", options.choices()["database"][0])
        if url := SERVERS.get(database):
            variables["DATABASE_URL"] = url()
        return _pytest(environment.python, service, arguments, **variables)


def _pytest(python: Path, folder: Path, arguments: Sequence[str], **variables: str) -> tuple[int, str]:
    return _run([str(python), "-m", "pytest", *PYTEST, *arguments], folder, **variables)


def _run(command: Sequence[str], folder: Path, **variables: str) -> tuple[int, str]:
    """Run a command in a process group of its own, which ends with it. One that hangs counts as failed."""
    # Without bytecode: a mutant may be as long, and as old, as the file that it replaces.
    inherited = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    given = {"LIVE": "required", "PYTHONDONTWRITEBYTECODE": "1", "RUFF_NO_CACHE": "true"} | variables
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=inherited | given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return 1, f"{output}\nshort test summary info\nFAILED no end within {SECONDS} s\n"
    return process.returncode, output


class Run:
    """One run over a list of mutants."""

    def __init__(self, chosen: Sequence[Mutant]) -> None:
        self._chosen = chosen
        self._copies: SimpleQueue[Copy] = SimpleQueue()

    def __call__(self) -> list[Result]:
        """The tests without mutants, then each mutant whose tests passed."""
        for number in range(WORKERS):
            copy = Copy(CACHE / str(number))
            copy.create()
            copy.link_environments()
            self._copies.put(copy)
        with ThreadPoolExecutor(WORKERS) as pool:
            needed = list(dict.fromkeys(mutant.tests for mutant in self._chosen))
            unmutated = dict(zip(needed, pool.map(self._unmutated, needed), strict=True))
            useless = [result for result in unmutated.values() if result.verdict != "ok"]
            asked = [mutant for mutant in self._chosen if unmutated[mutant.tests].verdict == "ok"]
            return useless + list(pool.map(self._mutated, asked))

    def _unmutated(self, tests: Tests) -> Result:
        copy = self._copies.get()
        start = time.monotonic()
        try:
            code, output = copy.run(tests)
        finally:
            self._copies.put(copy)
        # Skipped tests notice nothing.
        verdict = "fails without a mutant" if code else "ok" if " passed" in output else "nothing ran"
        return _shown(Result(str(tests), verdict, time.monotonic() - start, output))

    def _mutated(self, mutant: Mutant) -> Result:
        copy = self._copies.get()
        start = time.monotonic()
        try:
            with copy.changed(mutant):
                code, output = copy.run(mutant.tests)
        finally:
            self._copies.put(copy)
        verdict = "caught" if code in CAUGHT else "survived" if code == 0 else f"pytest ended with {code}"
        return _shown(Result(mutant.name, verdict, time.monotonic() - start, output))


def _shown(result: Result) -> Result:
    by = f"  [{result.first_failure}]" if result.verdict == "caught" else ""
    print(f"{result.verdict:9} {result.seconds:6.1f} s  {result.name}{by}", flush=True)
    if result.verdict not in {"ok", "caught"}:
        print("\n".join(result.output.splitlines()[-40:]), flush=True)
    return result


def main(arguments: list[str]) -> int:
    """Run the mutants whose name holds one of the words, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="only mutants whose name, file or tests contain one of these")
    asked = parser.parse_args(arguments)
    texts = {mutant: f"{mutant.name} {mutant.file} {mutant.tests}" for mutant in mutants()}
    chosen = [mutant for mutant, text in texts.items() if not asked.words or any(word in text for word in asked.words)]
    if not chosen:
        parser.error("no mutant contains any of these words")
    start = time.monotonic()
    results = Run(chosen)()
    missed = [result for result in results if result.verdict != "caught"]
    print(f"\n{len(results) - len(missed)} of {len(chosen)} mutants caught in {time.monotonic() - start:.0f} s")
    for result in missed:
        print(f"  {result.verdict}: {result.name}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
