"""A service of every origin, edited as teams do, is updated to the template as it stands here."""

import shutil
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
from tests.update.templates import Template
from tools import options

# What `make check` runs, without the tests of delivery, which take long: the matrix runs them.
CHECKS = (
    "make lint",
    "make format contract && git diff --exit-code HEAD -- src tests contracts",
    "pytest -q tests/unit tests/contract",
)


def cases(*names: str, needing: bool = False) -> list[ParameterSet]:
    """Each service of each origin, with each of these edits; those of one service run in one process."""
    return [
        pytest.param(
            origin,
            service,
            edit,
            id=f"{origin.name}-{service}-{edit}",
            marks=[
                pytest.mark.xdist_group(f"update-{service}"),
                *(map(pytest.mark.needs, needs(origin.services[service])) if needing else []),
            ],
        )
        for origin in origins.every()
        for service in origin.services
        for edit in names
    ]


def needs(given: dict[str, str]) -> list[str]:
    """The interpreter and the server that the checks of a service need."""
    answers = {option: choices[0] for option, choices in options.choices().items()} | given
    server = databases.EVERY[answers["database"]].server
    return [f"Python {answers['python_version']}", *filter(None, [server])]


@pytest.mark.parametrize(("origin", "name", "edit"), cases(*edits.EVERY))
def test_an_update_brings_today_and_keeps_the_edit(  # noqa: PLR0913 - fixtures
    template: Template,
    create: Create,
    fresh: Fresh,
    tmp_path: Path,
    record_property: Record,
    origin: Origin,
    name: str,
    edit: str,
) -> None:
    generated = create(origin.commit, origin.services[name])
    service = generated.copy(tmp_path)
    service.edit(edits.EVERY[edit])
    edited = service.contents()
    service.update()
    conflicts = service.conflicts()
    update = Update(generated.contents(), edited, service.contents(), fresh(options.ROOT, origin.services[name]))
    problems = update.problems(conflicts)
    row(record_property, f"{name}, {origin.name} to today", edit, conflicts, "LOST" if problems else "kept")
    assert problems == []
    assert set(conflicts) <= set(origin.conflicts)
    assert cruft.cruft("check", cwd=service.path)


@pytest.mark.parametrize(("origin", "name", "edit"), cases("everything", needing=True))
def test_a_service_with_every_edit_passes_its_checks_after_the_update(
    create: Create, tmp_path: Path, record_property: Record, origin: Origin, name: str, edit: str
) -> None:
    team = owner(create(origin.commit, origin.services[name]), tmp_path)
    with team.working(tmp_path):
        edit_everything(team)
        service = Service(team.path)
        service.update()
        conflicts = service.conflicts()
        assert set(conflicts) <= set(origin.conflicts)
        if not conflicts:
            for check in CHECKS:
                team.run(check)
    checks = "checks not run" if conflicts else "checks green"
    row(record_property, f"{name}, {origin.name} to today", edit, conflicts, "kept", checks)


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
