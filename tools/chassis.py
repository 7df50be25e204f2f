"""Checks the chassis in place, as the library that it is: `make chassis`.

First as it stands, with all its choices; then copies from which each choice was removed, because the generator
removes what was not chosen and the rest has to work. Nothing is left in the folder: what the tools remember is kept
below `.cache`.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType
from typing import Any

from tools import environments, interpreters, options, other_servers, rendering
from tools.checks import IN_PARALLEL, MISSING, Checks, Step
from tools.private_server import ServerError

CACHE = options.ROOT / ".cache" / "chassis"
# With pytest 9.2 its groups are silently ignored.
XDIST = ("pytest-xdist>=3.8", "pytest<9.2")
SLOWEST = 10


def prepared() -> environments.Environment:
    """An environment with everything that the chassis requires, in which it can be imported."""
    version, interpreter = interpreters.newest()
    environment = environments.kept(CACHE / version, interpreter, [*options.chassis_requirements(), *XDIST])
    path = environment.site_packages / "chassis.pth"
    path.write_text(f"{options.CHASSIS / 'src'}\n", encoding="utf-8")
    return environment


def in_place(environment: environments.Environment, *, fast: bool, long: bool, tests: list[str]) -> list[Step]:
    """The chassis with all its choices."""
    checks = Checks("in place", options.CHASSIS, environment, CACHE / "memory", verbose=long)
    if not (tests or long):
        checks.code()
    if long:
        tests = ["-m", "long", *tests]
    before = set(traces())
    servers = {"LIVE": "none"} if fast else {}
    checks.tests(*IN_PARALLEL, *tests, **servers)
    if left := sorted(set(traces()) - before):
        checks.steps.append(Step(checks.where, "leaves nothing", 0, "\n".join(left), failed=True))
        print(f"FAILED: left in the chassis: {' '.join(left)}")
    return checks.steps


def on_other_servers(environment: environments.Environment, *, long: bool) -> list[Step]:
    """The tests of each adapter for which there is another server: all of them, or a smoke test of what is there."""
    steps: list[Step] = []
    for server in other_servers.EVERY:
        checks = Checks(f"on {server.name}", options.CHASSIS, environment, CACHE / "memory", verbose=long)
        try:
            checks.on(server, long=long)
        except ServerError as error:
            reason = f"{error}; to get it: {server.how_to_get}"
            checks.steps.append(Step(checks.where, MISSING, 0, reason, failed=server.is_required))
            print(f"{MISSING} {checks.where}: {reason}", flush=True)
        steps += checks.steps
    return steps


def traces() -> Iterator[str]:
    """What tools have left in the chassis, by the hook's own list."""
    patterns = hook().TRACES
    return (str(path.relative_to(options.CHASSIS)) for each in patterns for path in options.CHASSIS.rglob(each))


def hook() -> ModuleType:
    """The hook that removes choices."""
    return rendering.hook("post_gen_project", rendering.answers())


Removal = tuple[dict[str, set[str]], set[str]]


def removals() -> dict[str, Removal]:
    """What to remove from each copy: each choice by itself, and each package that can go whole."""
    each = {f"without {choice}": _removal(choice) for option in _declared() for choice in _choices(option)}
    return each | _whole()


def merged_removals() -> dict[str, Removal]:
    """The same with fewer copies: one choice of each option goes at once, as from a service several go.

    What still names a choice fails all the same; that no choice needs one of another option is what import-linter says.
    """
    rows = zip_longest(*map(_choices, _declared()))
    each = {" and ".join(names): _removal(*names) for names in (tuple(filter(None, row)) for row in rows)}
    return {f"without {names}": removal for names, removal in each.items()} | _merged(_whole())


def _merged(removals: dict[str, Removal]) -> dict[str, Removal]:
    """All of them in one copy."""
    choices = {option: set[str]().union(*(each[option] for each, _ in removals.values())) for option in _declared()}
    packages = set[str]().union(*(each for _, each in removals.values()))
    return {" and ".join(removals): (choices, packages)}


def _declared() -> dict[str, Any]:
    declared: dict[str, Any] = options.model()["_chassis"]
    return declared


def _choices(option: str) -> list[str]:
    return list(_declared()[option]["choices"])


def _removal(*choices: str) -> Removal:
    return {option: set(choices) & set(_choices(option)) for option in _declared()}, set()


def _whole() -> dict[str, Removal]:
    return {
        f"{option}={answer}": (_removal(*_choices(option))[0], set(packages))
        for option, each in _declared().items()
        for answer, packages in each.get("whole", {}).items()
    }


def without_each(environment: environments.Environment, copies: dict[str, Removal]) -> list[Step]:
    """A copy for each removal, in which everything else has to work; two at a time."""
    workers: SimpleQueue[Path] = SimpleQueue()
    for number in range(2):
        # What mypy knows of the whole serves the copies too, but not two processes at once.
        memory = CACHE / f"memory-{number}"
        if (CACHE / "memory").exists():
            shutil.rmtree(memory, ignore_errors=True)
            shutil.copytree(CACHE / "memory", memory)
        workers.put(memory)

    def check(name: str) -> list[Step]:
        memory = workers.get()
        try:
            return _without(environment, name, copies[name], memory)
        finally:
            workers.put(memory)

    with ThreadPoolExecutor(2) as pool:
        return [step for steps in pool.map(check, copies) for step in steps]


def _without(environment: environments.Environment, name: str, removal: Removal, memory: Path) -> list[Step]:
    folder = CACHE / "copies" / name.replace(" ", "-").replace("=", "-")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(options.CHASSIS, folder)
    pruning = hook().Pruning(folder, *removal)
    checks = Checks(name, folder, environment, memory)
    if pruning.problems:
        checks.steps.append(Step(name, "pruning", 0, "\n".join(pruning.problems), failed=True))
        print(f"FAILED {name}:", *pruning.problems, sep="\n", flush=True)
        return checks.steps
    pruning.do()
    checks.code()
    checks.tests(LIVE="none")
    return checks.steps


def table(steps: list[Step]) -> str:
    """The slowest steps, and the sum."""
    slowest = sorted(steps, key=lambda step: -step.seconds)[:SLOWEST]
    rows = [f"{step.seconds:8.1f} s  {step.where}: {step.name}" for step in slowest]
    missing = [f"  {step.where}: {step.output}" for step in steps if step.name == MISSING]
    failed = [f"  {step.where}: {step.name}" for step in steps if step.failed]
    sections = [("Slowest steps:", rows), (f"{MISSING}:", missing), ("Failed:", failed)]
    return "\n".join(line for title, lines in sections if lines for line in ("", title, *lines))


def main(arguments: list[str]) -> int:
    """Check everything, or only what takes seconds."""
    parser = argparse.ArgumentParser(prog="python -m tools.chassis", description=__doc__)
    parser.add_argument("--fast", action="store_true", help="in place only, without servers")
    parser.add_argument(
        "--long",
        action="store_true",
        help="the tests that take minutes, all tests on other servers, and a copy for each choice by itself",
    )
    parser.add_argument("--only", default="", help="the copies without one choice whose name contains this")
    parser.add_argument("tests", nargs="*", help="run only these tests, in place")
    asked = parser.parse_args(arguments)
    start = time.monotonic()
    environment = prepared()
    steps = [] if asked.only else in_place(environment, fast=asked.fast, long=asked.long, tests=asked.tests)
    if not (asked.fast or asked.only or asked.tests):
        steps += on_other_servers(environment, long=asked.long)
    if asked.only or asked.long:
        steps += without_each(environment, {name: each for name, each in removals().items() if asked.only in name})
    elif not (asked.fast or asked.tests):
        steps += without_each(environment, merged_removals())
    print(table(steps))
    print(f"\n{time.monotonic() - start:.0f} s in all")
    return int(any(step.failed for step in steps))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
