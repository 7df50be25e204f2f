"""A database of its own for each test, on the server that DATABASE_URL names."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.infrastructure.database import migrations, select_database
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database

from ..conftest import DATABASE_URL


def settings_of(url: str) -> DatabaseSettings:
    """Settings that name a database."""
    return DatabaseSettings(url=SecretStr(url))


@contextmanager
def fresh_database(server_url: str, template: str = "template1") -> Iterator[str]:
    """A new database as long as the block lasts; gives its URL."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        try:
            yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture(scope="session")
def server_url() -> str:
    """The server; the database that the URL names is not touched."""
    if DATABASE_URL is None:
        pytest.skip("DATABASE_URL is not set: `make up` starts a PostgreSQL, `make test-integration` uses it")
    return DATABASE_URL


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """A migrated database to copy: faster than migrating for every test."""
    with fresh_database(server_url) as url:
        migrations.upgrade(settings_of(url))
        yield urlsplit(url).path.lstrip("/")


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """A migrated database."""
    with fresh_database(server_url, template) as url:
        yield url


@pytest.fixture
def database_settings(database_url: str) -> DatabaseSettings:
    """Names a migrated database."""
    return settings_of(database_url)


@pytest.fixture
def empty_database_settings(empty_database_url: str) -> DatabaseSettings:
    """Names a database without a table."""
    return settings_of(empty_database_url)


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database without a table."""
    with fresh_database(server_url) as url:
        yield url


@pytest.fixture
def closed_database(database_settings: DatabaseSettings) -> Database:
    """The adapter, not opened."""
    return select_database(database_settings)
