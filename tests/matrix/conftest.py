"""Each project of the covering set is generated once; every check of it runs in the same process."""

import os

import pytest

from tests.baked import Bake
from tests.matrix import covering
from tests.project import Project


def _parameter(wanted: covering.Answers) -> object:
    needed = pytest.mark.needs(f"Python {wanted.answers['python_version']}")
    return pytest.param(wanted, id=wanted.name, marks=[needed, pytest.mark.xdist_group(wanted.name)])


@pytest.fixture(scope="session", params=map(_parameter, covering.asked(os.environ.get("CHECK_CHOICES"))))
def generated(request: pytest.FixtureRequest, bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A generated service."""
    wanted: covering.Answers = request.param
    return Project(bake(**wanted.answers), tmp_path_factory.mktemp(wanted.name))
