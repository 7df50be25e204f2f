"""A service of today is updated to a newer template, which changes files that its team has edited."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import cruft
from tests.update import edits, newer, templates
from tests.update.conftest import Answers, Create, Fresh
from tests.update.edits import IDENTITY
from tests.update.service import Service, Update
from tests.update.table import Record, row
from tests.update.templates import Template

SERVICES: dict[str, Answers] = {
    "default": {},
    "smallest": {"database": "sqlite", "broker": "none", "tracing": "none"},
}
OF_EACH_SERVICE = pytest.mark.parametrize(
    "service",
    [pytest.param(name, id=name, marks=pytest.mark.xdist_group(f"update-{name}")) for name in SERVICES],
)
Updated = Callable[..., tuple[Service, Update]]


@pytest.fixture
def updated(template: Template, create: Create, fresh: Fresh, tmp_path: Path) -> Updated:
    """A service of today after edits and an update to the newer template, with its states."""

    def update(name: str, *each: edits.Edit) -> tuple[Service, Update]:
        generated = create(template.today, SERVICES[name])
        service = generated.copy(tmp_path)
        for edit in each:
            service.edit(edit)
        edited = service.contents()
        print(service.update("--checkout", templates.NEWER))
        states = Update(generated.contents(), edited, service.contents(), fresh(template.newer, SERVICES[name]))
        return service, states

    return update


@OF_EACH_SERVICE
def test_edits_beside_those_of_the_template_are_kept_without_a_conflict(
    updated: Updated, record_property: Record, service: str
) -> None:
    team, states = updated(service, *edits.BESIDE.values())
    problems = states.problems(team.conflicts())
    for edit in edits.BESIDE:
        row(record_property, f"{service}, today to newer", edit, team.conflicts(), "LOST" if problems else "kept")
    assert (problems, team.conflicts()) == ([], [])
    assert_newer(team)


@OF_EACH_SERVICE
def test_edits_of_the_same_lines_are_conflicts_to_review(
    updated: Updated, record_property: Record, service: str
) -> None:
    team, states = updated(service, *(edit for edit, _ in edits.CONFLICTING.values()))
    conflicts = team.conflicts()
    for edit, (_, file) in edits.CONFLICTING.items():
        row(record_property, f"{service}, today to newer", edit, [name for name in conflicts if name == file])
    assert set(conflicts) == {file for _, file in edits.CONFLICTING.values()}
    both = (team.path / IDENTITY).read_text(encoding="utf-8")
    assert ("of this host" in both, "from the machine" in both) == (True, True)
    assert states.problems(conflicts) == []


@pytest.mark.xdist_group("update-smallest")
def test_what_git_cannot_merge_is_named_and_the_other_changes_arrive(
    updated: Updated, record_property: Record, capfd: pytest.CaptureFixture[str]
) -> None:
    """A file that the template removes and the team has edited: cruft then applies each change without merging."""
    team, states = updated("smallest", edits.retitle_a_recipe, edits.document_the_clock)
    conflicts = team.conflicts()
    row(record_property, "smallest, today to newer", "a removed document", conflicts, "edited document kept")
    assert conflicts == [IDENTITY]
    assert f"error: {edits.REMOVED}: patch does not apply" in capfd.readouterr().out
    assert "from the machine" in (team.path / f"{IDENTITY}.rej").read_text(encoding="utf-8")
    assert "of this host" in (team.path / IDENTITY).read_text(encoding="utf-8")
    assert states.problems(conflicts) == []


@pytest.mark.xdist_group("update-smallest")
def test_the_side_of_the_template_ends_a_conflict_in_the_chassis(
    updated: Updated, template: Template, fresh: Fresh
) -> None:
    """As docs/upgrading.md says."""
    team, _ = updated("smallest", edits.document_the_clock)
    cruft.run("git", "checkout", "--theirs", "chassis", cwd=team.path)
    cruft.run("git", "add", "chassis", cwd=team.path)
    assert team.conflicts() == []
    assert team.contents() == fresh(template.newer, SERVICES["smallest"])


def assert_newer(team: Service) -> None:
    """Check that the private variables, the layers and the options of the newer template arrived."""
    assert (team.path / "docs" / "newer.md").read_text(encoding="utf-8") == "# Newer\n\nA private variable. none\n"
    assert (team.path / "docs" / "newer-layer.md").is_file()
    assert team.answers["audit"] == "none"
    assert newer.TESTED_ON in (team.path / "pyproject.toml").read_text(encoding="utf-8")
    assert not (team.path / edits.REMOVED).exists()
