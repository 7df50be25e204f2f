"""Services in the hands of a team, one for each group of tests."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.baked import Bake
from tests.recipes.team import SETUPS, Team


@pytest.fixture(scope="session")
def teams(bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Team]:
    """The team of a setup; it gets its service when the first test asks for it."""

    @cache
    def team(name: str) -> Team:
        return Team(name, bake(**SETUPS[name]), tmp_path_factory.mktemp(name))

    return team


@pytest.fixture
def team(request: pytest.FixtureRequest, teams: Callable[[str], Team], tmp_path: Path) -> Iterator[Team]:
    """A team whose service is as it was generated, with an empty database."""
    found = teams(request.param)
    with found.working(tmp_path):
        yield found
