"""Which schema is complete for a release: read from files, without alembic."""

from pathlib import Path

import pytest

from chassis.database.revisions import Revisions
from chassis.errors import Unavailable


def write(folder: Path, revision: str, before: str | None) -> None:
    """A revision file."""
    folder.mkdir(exist_ok=True)
    (folder / f"{revision}.py").write_text(f'revision: str = "{revision}"\ndown_revision = {before!r}\n')


@pytest.fixture
def revisions(tmp_path: Path) -> Revisions:
    """Two branches: s1, s2 of a service and c1, c2 of the chassis."""
    for name in "sc":
        write(tmp_path / name, f"{name}1", None)
        write(tmp_path / name, f"{name}2", f"{name}1")
    (tmp_path / "s" / "__init__.py").write_text('"""Not a revision."""\n')
    return Revisions([tmp_path / "s", tmp_path / "c"])


def test_finds_the_newest_of_each_branch(revisions: Revisions) -> None:
    assert revisions.heads == {"s2", "c2"}
    assert revisions.known == {"s1", "s2", "c1", "c2"}


@pytest.mark.parametrize(
    ("current", "behind"),
    [
        ({"s2", "c2"}, set()),
        ({"s1", "c2"}, {"s2"}),
        ({"s2", "c1"}, {"c2"}),
        ({"s2"}, {"c2"}),
        (set(), {"s2", "c2"}),
    ],
)
def test_a_schema_is_behind_until_every_branch_is_at_its_head(
    revisions: Revisions, current: set[str], behind: set[str]
) -> None:
    assert revisions.behind(current) == behind
    if behind:
        with pytest.raises(Unavailable, match="migrate"):
            revisions.verify(current)
    else:
        revisions.verify(current)


@pytest.mark.parametrize("current", [{"s3", "c2"}, {"s2", "c3"}, {"s3", "c3"}])
def test_a_newer_schema_is_complete(revisions: Revisions, current: set[str]) -> None:
    revisions.verify(current)


def test_a_branch_that_is_behind_is_noticed_beside_a_newer_one(revisions: Revisions) -> None:
    assert revisions.behind({"s1", "c3"}) == {"s2"}
