"""The comparison that the tests of updates rely on finds every way to lose something."""

import pytest

from tests.cruft import Contents
from tests.update.service import Update

GENERATED = {"kept": "a\nb\n", "deleted": "a\n", "renamed": "a\n", "template": "a\n"}
EDITED = {"kept": "a\nb\nours\n", "new name": "a\n", "template": "a\n", "added": "ours\n"}
FRESH = {"kept": "a\ntheirs\n", "deleted": "b\n", "renamed": "b\n", "template": "b\n", "new": "b\n"}
UPDATED = {"kept": "a\ntheirs\nours\n", "new name": "a\n", "template": "b\n", "added": "ours\n", "new": "b\n"}


def files(texts: dict[str, str]) -> Contents:
    """Files that are not executable."""
    return {name: (text.encode(), False) for name, text in texts.items()}


def problems(updated: Contents) -> list[str]:
    """Whatever is wrong with an update that ended so."""
    return Update(files(GENERATED), files(EDITED), updated, files(FRESH)).problems([])


def test_an_update_that_merges_and_keeps_has_no_problem() -> None:
    assert problems(files(UPDATED)) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("kept", ("a\ntheirs\n", False)),
        ("kept", ("a\nb\nours\n", False)),
        ("kept", ("a\ntheirs\nours\nours\n", False)),
        ("deleted", ("b\n", False)),
        ("renamed", ("b\n", False)),
        ("new name", ("b\n", False)),
        ("added", ("theirs\n", False)),
        ("template", ("a\n", False)),
        ("template", ("b\n", True)),
        ("stray", ("b\n", False)),
    ],
    ids=["edit lost", "change lost", "twice", "back", "old name", "overwritten", "replaced", "left", "mode", "stray"],
)
def test_anything_else_is_a_problem_of_its_file(name: str, content: tuple[str, bool]) -> None:
    (problem,) = problems(files(UPDATED) | {name: (content[0].encode(), content[1])})
    assert problem.startswith(name)


@pytest.mark.parametrize("name", UPDATED)
def test_a_missing_file_is_a_problem(name: str) -> None:
    (problem,) = problems(files({other: text for other, text in UPDATED.items() if other != name}))
    assert problem.startswith(name)
