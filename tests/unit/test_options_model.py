"""cookiecutter.json is the one place that declares the options, so what it says must hang together."""

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from itertools import product
from pathlib import Path

import pytest

from tools import options

MODEL = options.model()
CHOICES = options.choices()
PUBLIC = [name for name in MODEL if not name.startswith("_")]
FOLDERS = options.ROOT / "{{cookiecutter.service_slug}}" / "options"
Conditions = dict[str, list[str]] | list[dict[str, list[str]]]


def test_every_option_asks_a_question_and_no_question_is_left_over() -> None:
    assert list(MODEL["__prompts__"]) == PUBLIC


@pytest.mark.parametrize("option", CHOICES)
def test_every_choice_has_a_sentence_that_names_it(option: str) -> None:
    sentences = dict(MODEL["__prompts__"][option])
    assert sentences.pop("__prompt__").endswith(("?", ")"))
    assert list(sentences) == CHOICES[option]
    for choice, sentence in sentences.items():
        name, _, meaning = sentence.partition(" - ")
        assert (name.casefold(), bool(meaning)) == (choice.casefold(), True)


def test_what_a_choice_requires_is_declared_by_the_chassis_alone() -> None:
    """A service asks for the extra of that name; what it lists itself are the tools that its owners work with."""
    assert MODEL["_dev_requirements"] == sorted(MODEL["_dev_requirements"])
    names = {options.distribution(requirement) for requirement in MODEL["_dev_requirements"]}
    assert names & {options.distribution(each) for each in chassis_runtime()} == set()


def chassis_runtime() -> Iterator[str]:
    """What the chassis requires to run, with every choice."""
    project = tomllib.loads((options.CHASSIS / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield from project["dependencies"]
    for extra in project["optional-dependencies"].values():
        yield from extra


def test_few_layers_tie_two_options() -> None:
    """Each of them is a place where a new choice of either option has to be thought of."""
    conditions = {folder: each if isinstance(each, list) else [each] for folder, each in MODEL["_layers"].items()}
    tied = {folder for folder, each in conditions.items() if len(set().union(*each)) > 1}
    assert tied == {"broker/on-sqlite", "broker/on-server", "broker/scaled-by-account"}


@pytest.mark.parametrize(("folder", "conditions"), MODEL["_layers"].items())
def test_a_layer_has_a_folder_and_conditions_that_can_hold(folder: str, conditions: Conditions) -> None:
    for condition in conditions if isinstance(conditions, list) else [conditions]:
        assert_declared(condition)
        assert any(
            all(holds(choice, condition[option]) for option, choice in zip(condition, combination, strict=True))
            for combination in product(*(CHOICES[option] for option in condition))
        )
    assert (FOLDERS / folder).is_dir()
    option, layer = folder.split("/")
    assert layer not in CHOICES.get(option, [])


def test_conflicts_speak_of_declared_choices_and_give_a_reason() -> None:
    for conflict in MODEL["_conflicts"]:
        assert set(conflict) == {"when", "reason"}
        assert conflict["reason"]
        assert_declared(conflict["when"])


def test_every_option_folder_is_a_choice_or_a_layer() -> None:
    declared = {f"{option}/{choice}" for option, choices in CHOICES.items() for choice in choices}
    assert {path.relative_to(FOLDERS).as_posix() for path in FOLDERS.glob("*/*")} <= declared | set(MODEL["_layers"])
    assert [path for path in [*FOLDERS.iterdir(), *FOLDERS.glob("*/*")] if not path.is_dir()] == []


def test_no_folder_replaces_a_file_of_the_base() -> None:
    base = set(files(FOLDERS.parent))
    for folder in FOLDERS.glob("*/*"):
        assert base & set(files(folder)) == set()


def test_the_versions_were_tested_on_a_day_that_has_come() -> None:
    assert date.fromisoformat(MODEL["_tested_on"]) <= date.today()  # noqa: DTZ011 - a calendar day, no moment


def test_the_newest_versions_are_those_of_the_changelogs() -> None:
    chassis = tomllib.loads((options.CHASSIS / "pyproject.toml").read_text())["project"]["version"]
    assert released(options.ROOT / "CHANGELOG.md") == MODEL["_version"]
    assert released(options.CHASSIS / "CHANGELOG.md") == chassis


def released(changelog: Path) -> str:
    """The newest version of a changelog, which has a day that has come."""
    version, day = re.findall(r"^## \[([0-9.]+)\] - ([0-9-]+)$", changelog.read_text(encoding="utf-8"), re.MULTILINE)[0]
    assert date.fromisoformat(day) <= date.today()  # noqa: DTZ011 - a calendar day, no moment
    return str(version)


def assert_declared(condition: dict[str, list[str]]) -> None:
    assert condition
    for option, choices in condition.items():
        assert choices
        assert {choice.removeprefix("!") for choice in choices} <= set(CHOICES[option])


def holds(answer: str, choices: list[str]) -> bool:
    """`!none` stands for every choice but `none`."""
    return answer in choices or any(choice.startswith("!") and choice[1:] != answer for choice in choices)


def files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] not in {"options", "fragments"}:
            yield name.as_posix()
