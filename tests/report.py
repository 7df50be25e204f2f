"""Runs a test only where what it needs is to be had, and closes the run with a table of what ran and what did not.

Nothing skips silently: what is missing is named with the command that gets it, and `LIVE=required` makes it a failure,
except for what `LIVE_WITHOUT` names (separated by commas): what a machine cannot have.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests import needs

NEEDS = "needs"
MEASURED = "measured"
UPDATES = "updates"
A_LONG_RUN_SECONDS, SLOWEST = 60, 15


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture: a missing interpreter must not surface as an error deep inside one."""
    missing, excused = [], True
    for name in _needed_by(item):
        item.user_properties.append((NEEDS, name))
        if needs.where(name) is None:
            missing.append(f"{name} is missing here; to get it: {needs.every()[name].how_to_get}")
            excused &= name in os.environ.get("LIVE_WITHOUT", "").split(",")
    if missing and os.environ.get("LIVE") == "required" and not excused:
        pytest.fail("; ".join(missing), pytrace=False)
    if missing:
        pytest.skip("; ".join(missing))


def pytest_terminal_summary(terminalreporter: Any) -> None:  # noqa: ANN401
    """The tables; each only when the tests chosen for this run have something to put into it."""
    _needs_table(terminalreporter)
    rows = sorted(row for _, row in _properties(terminalreporter.stats, UPDATES))
    if rows:
        terminalreporter.section("updates of services")
        for row in rows:
            terminalreporter.write_line(row)
    _slowest_modules(terminalreporter)


def _slowest_modules(terminalreporter: Any) -> None:  # noqa: ANN401
    """Where the time of a long run went, fixtures included: single tests do not show it."""
    seconds: dict[str, float] = defaultdict(float)
    reports = (each for reports in terminalreporter.stats.values() for each in reports)
    for report in reports:
        if isinstance(report, pytest.TestReport):
            seconds[report.nodeid.partition("::")[0]] += report.duration
    total = sum(seconds.values())
    if total < A_LONG_RUN_SECONDS:
        return
    terminalreporter.section(f"slowest modules, of {total:.0f} s in all processes")
    for module, taken in sorted(seconds.items(), key=lambda pair: -pair[1])[:SLOWEST]:
        terminalreporter.write_line(f"{taken:6.0f} s  {module}")


def _needs_table(terminalreporter: Any) -> None:  # noqa: ANN401
    outcomes = _outcomes(terminalreporter.stats)
    if not outcomes:
        return
    terminalreporter.section("what ran where")
    width = max(map(len, needs.every()))
    for name in needs.every():
        terminalreporter.write_line(f"{name:<{width}}  {_line(name, outcomes.get(name, Counter()))}")
    for _, measured in _properties(terminalreporter.stats, MEASURED):
        terminalreporter.write_line(measured)


def _needed_by(item: pytest.Item) -> list[str]:
    return sorted({name for mark in item.iter_markers("needs") for name in mark.args})


def _outcomes(stats: dict[str, list[Any]]) -> dict[str, Counter[str]]:
    """How many tests that needed each thing ended how, those in other processes included."""
    outcomes: dict[str, Counter[str]] = {}
    for outcome, name in _properties(stats, NEEDS):
        outcomes.setdefault(name, Counter())[outcome] += 1
    return outcomes


def _properties(stats: dict[str, list[Any]], wanted: str) -> Iterator[tuple[str, str]]:
    """What tests recorded under this name, each with the outcome of the test."""
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in stats.get(outcome, []):
            yield from ((outcome, value) for key, value in report.user_properties if key == wanted)


def _line(name: str, ended: Counter[str]) -> str:
    if not ended:
        return "not asked for by the tests of this run"
    counts = ", ".join(f"{count} {outcome}" for outcome, count in ended.items())
    if found := needs.where(name):
        return f"ran: {counts} ({found})"
    return f"DID NOT RUN: {counts}; to get it: {needs.every()[name].how_to_get}"
