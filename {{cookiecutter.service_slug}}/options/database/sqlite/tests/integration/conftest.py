"""A file of its own for each test."""

from pathlib import Path
from shutil import copyfile

import pytest
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.infrastructure.database import migrations, select_database
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database


def settings_of(url: str) -> DatabaseSettings:
    """Settings that name a database."""
    return DatabaseSettings(url=SecretStr(url))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy: faster than migrating for every test."""
    path = tmp_path_factory.mktemp("template") / "database.sqlite3"
    migrations.upgrade(settings_of(f"sqlite:///{path}"))
    return path


@pytest.fixture
def database_url(template: Path, tmp_path: Path) -> str:
    """A migrated database."""
    return f"sqlite:///{copyfile(template, tmp_path / 'database.sqlite3')}"


@pytest.fixture
def empty_database_url(tmp_path: Path) -> str:
    """A database without a table."""
    return f"sqlite:///{tmp_path / 'empty.sqlite3'}"


@pytest.fixture
def database_settings(database_url: str) -> DatabaseSettings:
    """Names a migrated database."""
    return settings_of(database_url)


@pytest.fixture
def empty_database_settings(empty_database_url: str) -> DatabaseSettings:
    """Names a database without a table."""
    return settings_of(empty_database_url)


@pytest.fixture
def closed_database(database_settings: DatabaseSettings) -> Database:
    """The adapter, not opened."""
    return select_database(database_settings)
