"""Each project of the covering set is generated once; every check of it runs in the same process."""

import pytest

from tests import project
from tests.matrix import covering


def _parameter(wanted: covering.Project) -> object:
    needed = pytest.mark.needs(f"Python {wanted.answers['python_version']}")
    return pytest.param(wanted, id=wanted.name, marks=[needed, pytest.mark.xdist_group(wanted.name)])


@pytest.fixture(scope="session", params=map(_parameter, covering.projects()))
def generated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> project.Project:
    """A generated service."""
    wanted: covering.Project = request.param
    return project.make(wanted.answers, tmp_path_factory.mktemp(wanted.name))
