"""A service for each choice of database and broker, and an empty database for each test."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.baked import Bake
from tests.live import brokers, databases, private_servers
from tests.live.brokers import Settings
from tests.live.secured import Secured
from tests.project import Project
from tools import mysql_server, options

Start = Callable[[], AbstractContextManager[private_servers.Server]]
# What it declares on a broker that others use as well carries its name.
SLUG = f"live-{secrets.token_hex(4)}"


def _pairs() -> list[tuple[str, str]]:
    """Every database and every broker, in as few services as possible."""
    database, broker = options.choices()["database"], options.choices()["broker"]
    return [(database[number] if number < len(database) else database[0], each) for number, each in enumerate(broker)]


def _parameter(database: str, broker: str) -> object:
    """A pair; what it needs is checked before any fixture runs, and reported at the end."""
    python = f"Python {options.choices()['python_version'][0]}"
    needed = [python, databases.EVERY[database].server, brokers.EVERY[broker].server]
    marks = [pytest.mark.needs(name) for name in needed if name]
    name = f"{database}-{broker}"
    return pytest.param((database, broker), id=name, marks=[*marks, pytest.mark.xdist_group(f"live-{name}")])


@pytest.fixture(scope="session", params=[_parameter(*pair) for pair in _pairs()])
def service(request: pytest.FixtureRequest, bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The service with this database and this broker."""
    database, broker = request.param
    project = bake(database=database, broker=broker, service_slug=SLUG)
    return Project(project, tmp_path_factory.mktemp(f"{database}-{broker}"))


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


@pytest.fixture
def broker(service: Project) -> Iterator[Settings]:
    """Settings that lead to the broker, on which nothing of this service lies; nothing stays there."""
    with brokers.EVERY[service.baked.answers["broker"]].reached(service) as settings:
        yield settings


def _server(choice: str, start: Start, *programs: str, marks: Sequence[pytest.MarkDecorator] = ()) -> object:
    needed = [pytest.mark.needs(name) for name in (f"Python {options.choices()['python_version'][0]}", *programs)]
    name = start.__name__
    return pytest.param((choice, start), id=name, marks=[*needed, *marks, pytest.mark.xdist_group(f"tls-{name}")])


PARAMETERS = [
    _server("postgresql", private_servers.postgresql, "PostgreSQL's programs"),
    _server("mysql", private_servers.mariadb, "MariaDB's programs"),
    _server("mysql", private_servers.mysql, mysql_server.NAME, "MariaDB's programs", marks=[pytest.mark.long]),
]


@pytest.fixture(scope="module", params=PARAMETERS)
def secured(request: pytest.FixtureRequest, bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A migrated database that only lets in who encrypts and knows the password."""
    choice, start = request.param
    folder = tmp_path_factory.mktemp(f"tls-{start.__name__}")
    with start() as server:
        found = Secured(Project(bake(database=choice, broker="none"), folder), server, folder)
        found.project.run(found.project.slug, "migrate", **found.settings())
        yield found
