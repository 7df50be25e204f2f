"""A service of every origin, edited as teams do, is updated to the template as it stands here."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests import cruft
from tests.baked import Baked
from tests.live import databases
from tests.recipes.team import Team
from tests.update import edits, origins
from tests.update.conftest import Create, Fresh
from tests.update.origins import Origin
from tests.update.service import Service, Update
from tests.update.table import Record, row
from tools import options

# What `make check` runs, without the tests of delivery, which take long: the matrix runs them.
DERIVED = "make format contract && git diff --exit-code"
CHECKS = ("make lint", DERIVED, "pytest -q tests/unit tests/contract")


@dataclass(frozen=True)
class Case:
    """An edit of one service of an origin."""

    origin: Origin
    service: str
    edit: str

    @property
    def answers(self) -> dict[str, str]:
        """The answers of the service, as far as they are not the defaults."""
        return self.origin.services[self.service]

    def __str__(self) -> str:
        return f"{self.service}, {self.origin.name} to today"


def cases(*names: str, needing: bool = False) -> list[ParameterSet]:
    """Each service of each origin, with each of these edits; those of one service run in one process."""
    found = [Case(origin, name, edit) for origin in origins.every() for name in origin.services for edit in names]
    return [
        pytest.param(
            case,
            id=f"{case.origin.name}-{case.service}-{case.edit}",
            marks=[
                pytest.mark.xdist_group(f"update-{case.service}"),
                *(map(pytest.mark.needs, needs(case.answers)) if needing else []),
            ],
        )
        for case in found
    ]


def needs(given: dict[str, str]) -> list[str]:
    """The interpreter and the server that the checks of a service need."""
    answers = {option: choices[0] for option, choices in options.choices().items()} | given
    server = databases.EVERY[answers["database"]].server
    return [f"Python {answers['python_version']}", *filter(None, [server])]


def test_a_shallow_checkout_is_refused_with_the_command_that_fetches_the_history(tmp_path: Path) -> None:
    cruft.run("git", "clone", "--quiet", "--depth", "1", options.ROOT.as_uri(), "shallow", cwd=tmp_path)
    for problem, origin in zip(origins.missing(tmp_path / "shallow"), origins.every(), strict=True):
        assert problem.startswith(f"origin {origin.name}, ")
        assert problem.endswith("git fetch --unshallow origin")


@pytest.mark.parametrize("case", cases(*edits.EVERY))
def test_an_update_brings_today_and_keeps_the_edit(
    create: Create, fresh: Fresh, tmp_path: Path, record_property: Record, case: Case
) -> None:
    generated = create(case.origin.commit, case.answers)
    service = generated.copy(tmp_path)
    service.edit(edits.EVERY[case.edit])
    edited = service.contents()
    service.update()
    conflicts = service.conflicts()
    update = Update(generated.contents(), edited, service.contents(), fresh(options.ROOT, case.answers))
    problems = update.problems(conflicts)
    row(record_property, str(case), case.edit, conflicts, "LOST" if problems else "kept")
    assert problems == []
    assert set(conflicts) <= set(case.origin.conflicts)
    assert cruft.cruft("check", cwd=service.path)


@pytest.mark.parametrize("case", cases("everything", needing=True))
def test_a_service_with_every_edit_passes_its_checks_after_the_update(
    create: Create, tmp_path: Path, record_property: Record, case: Case
) -> None:
    team = owner(create(case.origin.commit, case.answers), tmp_path)
    with team.working(tmp_path):
        edit_everything(team)
        service = Service(team.path)
        service.update()
        conflicts = service.conflicts()
        assert set(conflicts) <= set(case.origin.conflicts)
        cruft.commit(team.path, "updated")
        for check in CHECKS if not conflicts else ():
            team.run(check)
    row(record_property, str(case), case.edit, conflicts, "checks not run" if conflicts else "checks green")


def owner(service: Service, folder: Path) -> Team:
    """A team with a service and an environment of its own."""
    (folder / "created").mkdir()
    copy = service.copy(folder / "created")
    shutil.rmtree(copy.path / ".git")
    return Team("update", Baked(copy.path, copy.answers), folder)


def edit_everything(team: Team) -> None:
    """Make every edit, recipes with all of their steps, and commit."""
    for name, edit in edits.EVERY.items():
        if name in edits.RECIPES:
            team.follow(team.recipe(edits.RECIPES[name]).until("make format"))
        else:
            edit(team.path)
    team.run("make format contract")
    team.commit()
