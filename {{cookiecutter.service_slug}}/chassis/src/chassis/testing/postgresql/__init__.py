"""Databases and accounts on a PostgreSQL server, for the length of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import psycopg

from ..rows import RecordedTable

DEFAULT_PORT = 5432


@contextmanager
def fresh_database(server_url: str, template: str = "template1") -> Iterator[str]:
    """Create a database and drop it at the end of the block; yields its URL.

    Args:
        server_url: names the server and an account that may create databases; its own database is not touched.
        template: the database to copy, such as a migrated one: faster than to migrate for every test.
    """
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        try:
            yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@contextmanager
def account(database_url: str, password: str) -> Iterator[str]:
    """Create a role that owns a database, and drop it at the end of the block; yields its URL, with the password."""
    name = f"test_{uuid4().hex}"
    place = urlsplit(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'".encode())
        connection.execute(f"ALTER DATABASE {place.path.lstrip('/')} OWNER TO {name}".encode())
        try:
            netloc = f"{name}:{quote(password, safe='')}@{place.netloc.rpartition('@')[2]}"
            yield urlunsplit(place._replace(netloc=netloc))
        finally:
            connection.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER".encode())
            connection.execute(f"DROP ROLE {name}".encode())


def recorded_table() -> RecordedTable:
    """A table in memory that holds values as this database's driver takes them."""
    return RecordedTable()
