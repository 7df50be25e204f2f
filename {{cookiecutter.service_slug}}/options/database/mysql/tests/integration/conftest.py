"""A database of its own for each test, on the server that DATABASE_URL names."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.infrastructure.database import migrations, select_database
from {{ cookiecutter.package_name }}.infrastructure.database.engine import create_migration_engine
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database

from ..conftest import DATABASE_URL


def settings_of(url: str) -> DatabaseSettings:
    """Settings that name a database."""
    return DatabaseSettings(url=SecretStr(url))


def run(url: str, *statements: str) -> Sequence[Sequence[object]]:
    """Run statements on a connection of their own; gives the rows of the last one."""
    rows: Sequence[Sequence[object]] = []
    with create_migration_engine(settings_of(url)).connect() as connection:
        for statement in statements:
            result = connection.exec_driver_sql(statement)
            rows = result.all() if result.returns_rows else []
        connection.commit()
    return rows


@contextmanager
def fresh_database(server_url: str, tables: Sequence[str] = ()) -> Iterator[str]:
    """A new database as long as the block lasts; gives its URL."""
    name = f"test_{uuid4().hex}"
    run(server_url, f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    try:
        run(url, "SET foreign_key_checks = 0", *tables)
        yield url
    finally:
        run(server_url, f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def server_url() -> str:
    """The server; the database that the URL names is not touched."""
    if DATABASE_URL is None:
        pytest.skip("DATABASE_URL is not set: `make up` starts a MariaDB, `make test-integration` uses it")
    return DATABASE_URL


@pytest.fixture(scope="session")
def tables(server_url: str) -> list[str]:
    """What makes a migrated database: faster than migrating for every test."""
    with fresh_database(server_url) as url:
        migrations.upgrade(settings_of(url))
        statements: list[str] = []
        for (name,) in run(url, "SHOW TABLES"):
            statements += [str(run(url, f"SHOW CREATE TABLE `{name}`")[0][1])]
            for row in run(url, f"SELECT * FROM `{name}`"):  # noqa: S608
                statements += [f"INSERT INTO `{name}` VALUES ({', '.join(map(repr, row))})"]  # noqa: S608
    return statements


@pytest.fixture
def database_url(server_url: str, tables: list[str]) -> Iterator[str]:
    """A migrated database."""
    with fresh_database(server_url, tables) as url:
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
