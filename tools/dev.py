"""Generates a service into build/dev and watches it: what is edited there goes back to the template, and the nearest
tests run. What is edited in the template arrives in the service. `make dev CHOICES="broker=kafka"`.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from cookiecutter.main import cookiecutter

from tools import affected, environments, interpreters, options, rendering, writeback
from tools.sources import Sources, made_by, shown

FOLDER = options.ROOT / "build" / "dev"
POLL_SECONDS = 0.3
IGNORED = {".git", ".hypothesis", ".venv", "__pycache__", "build", "dist"}


class Workbench:
    """A generated service and the template that it comes from."""

    def __init__(self, service: Path, sources: Sources) -> None:
        self.service, self.sources = service, sources
        self.comes_from = {path: sources.all_of(file) for path, file in sources.files.items()}
        self.seen = {path: (service / path).read_bytes() for path in sources.files if (service / path).is_file()}
        self._times = dict(self._all_times())

    def poll(self) -> list[str]:
        """Take all edits where they belong; the paths in the service that were edited."""
        times = dict(self._all_times())
        touched = [path for path, changed in times.items() if self._times.get(path) != changed]
        for gone in self._times.keys() - times.keys():
            print(f"{gone.relative_to(options.ROOT)} is gone: its source stays as it is", flush=True)
        self._times = times
        in_service = [path.relative_to(self.service).as_posix() for path in touched if self.service in path.parents]
        edited = [path for path in in_service if self._has_changed(path)]
        for path in edited:
            print(*self.take_back(path), sep="\n", flush=True)
        for file in touched:
            if self.service not in file.parents:
                edited += self.take_over(file)
        self._times = dict(self._all_times())
        return edited

    def take_back(self, path: str) -> Iterator[str]:
        """Bring one edit to the template, if that can be done; say what was done."""
        content = (self.service / path).read_bytes()
        file = self.sources.files.get(path)
        self.seen[path] = content
        if file is None:
            yield f"{path} is new: put it there below {shown(options.TEMPLATE)}, or below the folder of a choice"
            return
        if command := made_by(path):
            yield f"{path} is written by a tool: edit what it is made from, then {command}"
            return
        try:
            changes = writeback.changes(file, self.sources, content.decode())
        except writeback.Refused as refused:
            yield f"{path} cannot go back. {refused}"
            return
        for changed, text in changes.items():
            changed.write_bytes(text.encode())
            yield f"{path} -> {shown(changed)}"

    def take_over(self, file: Path) -> list[str]:
        """Render anew what a file of the template is in; the paths that differ now."""
        differing = []
        for path in (path for path, files in self.comes_from.items() if file in files):
            try:
                text = writeback.way(self.sources.files[path], self.sources).render({})
            except Exception as error:  # noqa: BLE001 - half an edit is no reason to end
                print(f"{shown(file)}: {error}", flush=True)
                continue
            if text.encode() != self.seen.get(path):
                self.seen[path] = text.encode()
                (self.service / path).write_bytes(self.seen[path])
                print(f"{shown(file)} -> {path}", flush=True)
                differing.append(path)
        return differing

    def _has_changed(self, path: str) -> bool:
        return (self.service / path).read_bytes() != self.seen.get(path)

    def _all_times(self) -> Iterator[tuple[Path, float]]:
        for path in _walk(self.service):
            yield path, path.stat().st_mtime
        for path in {file for files in self.comes_from.values() for file in files}:
            if path.exists():
                yield path, path.stat().st_mtime


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in IGNORED or path.name.endswith(("_cache", ".egg-info", "~", ".swp")):
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def generate(answers: Mapping[str, str]) -> tuple[Path, Sources]:
    """A fresh service in build/dev."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    literally = {option: rendering.literal(answer) for option, answer in answers.items()}
    service = cookiecutter(str(options.ROOT), no_input=True, extra_context=literally, output_dir=str(FOLDER))
    return Path(service), Sources(rendering.answers(**answers))


def run_tests(service: Path, environment: environments.Environment, edited: list[str]) -> None:
    """Run the tests nearest to the edits, and say what came of them."""
    start = time.monotonic()
    found = sorted({test for path in edited for test in affected.tests(service, path)})
    for folder in (service, service / "chassis"):
        mine = [test for test in found if test.startswith("chassis/") == (folder != service)]
        if not mine:
            continue
        names = [test.removeprefix("chassis/") if folder != service else test for test in mine]
        done = subprocess.run(
            [environment.bin / "pytest", "-q", "--no-header", "-p", "no:cacheprovider", *names],
            cwd=folder,
            # Without kubectl, which takes longer than all the rest: what the tests put together instead is the same.
            env=os.environ | ({"PATH": str(environment.bin)} if mine == [affected.MANIFESTS] else {}),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            print(done.stdout, done.stderr)
        print(f"{' '.join(mine)}: {done.stdout.strip().splitlines()[-1:]}")
    print(f"{time.monotonic() - start:.1f} s of tests", flush=True)


def main(arguments: list[str]) -> None:
    """Generate, install, watch until Ctrl-C."""
    service, sources = generate(dict(each.split("=", 1) for each in arguments))
    version, interpreter = interpreters.newest()
    base = environments.shared(version, interpreter)
    environment = environments.for_project(service, FOLDER / "environment", base)
    bench = Workbench(service, sources)
    print(f"Watching {service.relative_to(options.ROOT)}/ and the template; its commands are in {environment.bin}")
    while True:
        time.sleep(POLL_SECONDS)
        if edited := bench.poll():
            run_tests(service, environment, edited)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        print()
