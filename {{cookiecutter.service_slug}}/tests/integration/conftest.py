"""The service on a real database: each test has one of its own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx2
import pytest
from chassis.database import {{ cookiecutter.database }}
from chassis.database.migrations import Migrations
from chassis.testing.backups import Backups
from chassis.testing.http import {{ "add_headers, " if cookiecutter.auth != "none" }}running
from pydantic import SecretStr
from sqlalchemy import Engine

from {{ cookiecutter.package_name }} import bootstrap
from {{ cookiecutter.package_name }}.config.settings import Settings
from {{ cookiecutter.package_name }}.infrastructure import schema

{{ "from tests.support.callers import HEADERS\n" if cookiecutter.auth != "none" }}from tests.support.databases import create_backups, empty_database


def settings_of(url: str) -> {{ cookiecutter.database }}.DatabaseSettings:
    """Settings that name a database."""
    return {{ cookiecutter.database }}.DatabaseSettings(url=SecretStr(url))


@pytest.fixture
def migrations() -> Callable[[str], Migrations]:
    """The service's migrations of the database at a URL."""
    return lambda url: schema.create_migrations(settings_of(url))


@pytest.fixture
def engine() -> Callable[[str], Engine]:
    """An engine for the database at a URL."""
    return lambda url: schema.create_target(settings_of(url)).engine()


@pytest.fixture
def empty_database_url() -> Iterator[str]:
    """A database without a table."""
    with empty_database() as url:
        yield url


@pytest.fixture
def database_url(migrations: Callable[[str], Migrations]) -> Iterator[str]:
    """A migrated database."""
    with empty_database() as url:
        migrations(url).upgrade()
        yield url


@pytest.fixture
def storage(database_url: str) -> bootstrap.Storage:
    """Everything that the service stores, on a migrated database."""
    return bootstrap.on_{{ cookiecutter.database }}(settings_of(database_url))


@pytest.fixture
def start(settings: Settings) -> Callable[[str], AbstractAsyncContextManager[httpx2.AsyncClient]]:
    """Starts the service on the database at a URL."""

    def started(url: str) -> AbstractAsyncContextManager[httpx2.AsyncClient]:
        storage = bootstrap.on_{{ cookiecutter.database }}(settings_of(url))
        service = bootstrap.create_service(settings, storage)
        return running({{ "add_headers(service, HEADERS)" if cookiecutter.auth != "none" else "service" }})

    return started


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    """The scripts of the service."""
    return create_backups(tmp_path)
