"""One service for each choice of database, and an empty database for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.baked import Bake
from tests.live import databases, private_servers
from tests.live.secured import Secured
from tests.project import Project
from tools import options


def _parameter(choice: str) -> object:
    """A choice; what it needs is checked before any fixture runs, and reported at the end."""
    needed = [f"Python {options.choices()['python_version'][0]}", databases.EVERY[choice].server]
    marks = [pytest.mark.needs(name) for name in needed if name]
    return pytest.param(choice, id=choice, marks=[*marks, pytest.mark.xdist_group(f"live-{choice}")])


@pytest.fixture(scope="session", params=map(_parameter, databases.EVERY))
def service(request: pytest.FixtureRequest, bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The service with this database."""
    choice: str = request.param
    return Project(bake(database=choice), tmp_path_factory.mktemp(choice))


@pytest.fixture
def empty_database(service: Project, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables; it is gone afterwards."""
    with databases.EVERY[service.baked.answers["database"]].fresh(tmp_path) as url:
        yield url


@pytest.fixture
def database(service: Project, empty_database: str) -> str:
    """The address of a database with the service's tables."""
    service.run(service.slug, "migrate", DATABASE_URL=empty_database)
    return empty_database


def _database(choice: str, programs: str) -> object:
    needed = [pytest.mark.needs(name) for name in (f"Python {options.choices()['python_version'][0]}", programs)]
    return pytest.param(choice, id=choice, marks=[*needed, pytest.mark.xdist_group(f"tls-{choice}")])


PARAMETERS = [_database("postgresql", "PostgreSQL's programs"), _database("mysql", "MariaDB's programs")]


@pytest.fixture(scope="module", params=PARAMETERS)
def secured(request: pytest.FixtureRequest, bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A migrated database that only lets in who encrypts and knows the password."""
    start = {"postgresql": private_servers.postgresql, "mysql": private_servers.mariadb}[request.param]
    folder = tmp_path_factory.mktemp(f"tls-{request.param}")
    with start() as server:
        found = Secured(Project(bake(database=request.param), folder), server, folder)
        found.project.run(found.project.slug, "migrate", **found.settings())
        yield found
