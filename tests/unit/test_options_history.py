"""Options keep their promise to services that exist: a later one changes nothing by default, and none is taken away.

An update answers an option that came later with its first choice, so that choice has to be what services had before.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.update import origins
from tools import options

Model = dict[str, Any]
WORKING_TREE = "the working tree"
RESTORE = "restore it; a new major version begins tests/update/origins.json with a commit after the change"


@dataclass(frozen=True)
class History:
    """`cookiecutter.json` of every commit since the first origin, as it is now, and the folders of choices."""

    past: list[tuple[str, Model]]
    today: Model
    folders: set[str]

    def problems(self) -> list[str]:
        """Every promise that is broken, with the option, the commit and the remedy."""
        return [*self._later_options(), *self._removed(), *self._other_defaults()]

    def _later_options(self) -> Iterator[str]:
        for option, offered in choices(self.today).items():
            if option not in self.past[0][1]:
                since = next((commit for commit, model in self.past if option in model), WORKING_TREE)
                for thing in brought(self.today, self.folders, option, offered[0]):
                    yield (
                        f"{option}, added by {since}: its first choice {offered[0]!r} brings {thing}, which an update"
                        " would add to every service; put a choice first that brings nothing, such as 'none'"
                    )

    def _removed(self) -> Iterator[str]:
        last = {each: commit for commit, model in self.past for each in answers(model)}
        for (option, choice), commit in last.items():
            if (option, choice) not in answers(self.today):
                what = f"its choice {choice!r}" if choice else "it"
                yield f"{option}: {what} is in {commit} and no longer offered, but services have it; {RESTORE}"

    def _other_defaults(self) -> Iterator[str]:
        earliest: dict[str, tuple[str, str]] = {}
        for commit, model in self.past:
            for option, offered in choices(model).items():
                earliest.setdefault(option, (commit, offered[0]))
        for option, (commit, first) in earliest.items():
            now = choices(self.today).get(option, [first])[0]
            if now != first:
                yield f"{option}: its first choice is {first!r} in {commit} and {now!r} now; put {first!r} first again"


def choices(model: Model) -> dict[str, list[str]]:
    """Every option that offers a choice."""
    return {name: value for name, value in model.items() if isinstance(value, list) and not name.startswith("_")}


def answers(model: Model) -> set[tuple[str, str]]:
    """Every option, and each of its choices."""
    named = {(name, "") for name in model if not name.startswith("_")}
    return named | {(option, choice) for option, offered in choices(model).items() for choice in offered}


def brought(model: Model, folders: set[str], option: str, choice: str) -> Iterator[str]:
    """Whatever a service gets by a choice."""
    if f"{option}/{choice}" in folders:
        yield f"the folder options/{option}/{choice}"
    for layer, conditions in model["_layers"].items():
        for condition in conditions if isinstance(conditions, list) else [conditions]:
            if any(each == choice or (each[0] == "!" and each[1:] != choice) for each in condition.get(option, [])):
                yield f"the layer {layer}"
    if choice in model["_chassis"].get(option, {"choices": []})["choices"]:
        yield f"folders of the chassis that are named {choice!r}"


@pytest.fixture(scope="module")
def history() -> History:
    """The one of this repository."""
    problems = origins.missing(options.ROOT)
    assert not problems, "\n".join(problems)
    first = origins.every()[0].commit
    later = git("log", "--first-parent", "--reverse", "--format=%H", f"{first}..HEAD", "--", "cookiecutter.json")
    past = [(commit[:10], json.loads(git("show", f"{commit}:cookiecutter.json"))) for commit in [first, *later.split()]]
    folders = {
        folder.relative_to(options.TEMPLATE / "options").as_posix() for folder in options.TEMPLATE.glob("options/*/*")
    }
    return History(past, options.model(), folders)


def git(*arguments: str) -> str:
    """The output of git in this repository."""
    return subprocess.run(["git", *arguments], cwd=options.ROOT, capture_output=True, text=True, check=True).stdout


def test_services_that_exist_lose_nothing_and_are_given_nothing(history: History) -> None:
    assert history.problems() == []


def test_a_later_option_whose_first_choice_brings_nothing_is_accepted(history: History) -> None:
    model = deepcopy(history.today) | {"cache": ["none", "redis"]}
    model["_layers"]["cache/any"] = {"cache": ["!none"]}
    model["_chassis"]["cache"] = {"homes": ["cache"], "choices": ["redis"]}
    assert replace(history, today=model, folders=history.folders | {"cache/redis"}).problems() == []


def with_a_folder(model: Model, folders: set[str]) -> None:
    """Add an option whose first choice has a folder."""
    model["cache"] = ["redis", "none"]
    folders.add("cache/redis")


def with_a_layer(model: Model, folders: set[str]) -> None:
    """Add an option whose first choice meets the condition of a layer."""
    del folders
    model["cache"] = ["redis", "none"]
    model["_layers"]["database/cached"] = [{"cache": ["!none"]}, {"database": ["sqlite"]}]


def in_the_chassis(model: Model, folders: set[str]) -> None:
    """Add an option whose first choice is a part of the chassis."""
    del folders
    model["cache"] = ["redis", "none"]
    model["_chassis"]["cache"] = {"homes": ["cache"], "choices": ["redis"]}


def without_a_choice(model: Model, folders: set[str]) -> None:
    """Remove a choice."""
    del folders
    model["broker"].remove("nats")


def without_an_option(model: Model, folders: set[str]) -> None:
    """Remove an option."""
    del folders
    del model["team"]


def reordered(model: Model, folders: set[str]) -> None:
    """Put another choice first."""
    del folders
    model["database"].sort(reverse=True)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            with_a_folder,
            "cache, added by the working tree: its first choice 'redis' brings the folder options/cache/redis",
        ),
        (with_a_layer, "cache, added by the working tree: its first choice 'redis' brings the layer database/cached"),
        (in_the_chassis, "cache, added by the working tree: its first choice 'redis' brings folders of the chassis"),
        (without_a_choice, "broker: its choice 'nats' is in COMMIT and no longer offered"),
        (without_an_option, "team: it is in COMMIT and no longer offered"),
        (
            reordered,
            "database: its first choice is 'postgresql' in FIRST and 'sqlite' now; put 'postgresql' first again",
        ),
    ],
)
def test_a_broken_promise_is_named_with_the_option_and_the_commit(
    history: History, change: Callable[[Model, set[str]], None], expected: str
) -> None:
    model, folders = deepcopy(history.today), {*history.folders}
    change(model, folders)
    (problem,) = replace(history, today=model, folders=folders).problems()
    expected = expected.replace("COMMIT", history.past[-1][0]).replace("FIRST", history.past[0][0])
    assert problem.startswith(expected)


def test_the_commit_that_added_an_option_is_named(history: History) -> None:
    model, folders = deepcopy(history.today), {*history.folders}
    with_a_folder(model, folders)
    past = [*history.past, ("0123456789", model), ("9876543210", model)]
    (problem,) = History(past, model, folders).problems()
    assert problem.startswith("cache, added by 0123456789")
