"""Databases and accounts on a MySQL or MariaDB server, for the length of a test."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

from pydantic import SecretStr

from ...database.mysql import DatabaseSettings
from ...database.mysql.engine import MigrationTarget
from ...database.mysql.values import encode
from ..rows import RecordedTable

DEFAULT_PORT = 3306


def run(url: str, *statements: str) -> Sequence[Sequence[object]]:
    """Run statements on a connection of their own; returns the rows of the last one."""
    rows: Sequence[Sequence[object]] = []
    with MigrationTarget(DatabaseSettings(url=SecretStr(url))).engine().connect() as connection:
        for statement in statements:
            result = connection.exec_driver_sql(statement)
            rows = result.all() if result.returns_rows else []
        connection.commit()
    return rows


def copy_statements(url: str) -> list[str]:
    """Statements that make a copy of a small database, such as a migrated one: faster than to migrate for every test.

    Args:
        url: of the database. Its rows may hold numbers and text.
    """
    statements: list[str] = []
    for (name,) in run(url, "SHOW TABLES"):
        statements += [str(run(url, f"SHOW CREATE TABLE `{name}`")[0][1])]
        for row in run(url, f"SELECT * FROM `{name}`"):  # noqa: S608
            statements += [f"INSERT INTO `{name}` VALUES ({', '.join(map(repr, row))})"]  # noqa: S608
    return statements


@contextmanager
def fresh_database(server_url: str, statements: Sequence[str] = ()) -> Iterator[str]:
    """Create a database and drop it at the end of the block; yields its URL.

    Args:
        server_url: names the server and an account that may create databases; its own database is not touched.
        statements: run in the new database, such as those of `copy_statements`.
    """
    name = f"test_{uuid4().hex}"
    run(server_url, f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    try:
        run(url, "SET foreign_key_checks = 0", *statements)
        yield url
    finally:
        run(server_url, f"DROP DATABASE {name}")


@contextmanager
def account(database_url: str, password: str) -> Iterator[str]:
    """Create a user with every right on a database, and drop it at the end; yields the URL, with the password."""
    name = f"test_{uuid4().hex[:16]}"
    place = urlsplit(database_url)
    quoted = password.replace("\\", "\\\\").replace("'", "''").replace("%", "%%")
    run(database_url, f"CREATE USER {name}@'%%' IDENTIFIED BY '{quoted}'")
    try:
        run(database_url, f"GRANT ALL ON {place.path.lstrip('/')}.* TO {name}@'%%'")
        netloc = f"{name}:{quote(password, safe='')}@{place.netloc.rpartition('@')[2]}"
        yield urlunsplit(place._replace(netloc=netloc))
    finally:
        run(database_url, f"DROP USER {name}@'%%'")


def recorded_table() -> RecordedTable:
    """A table in memory that holds values as this database's driver takes them."""
    return RecordedTable(encode)
