"""The databases that a service can be pointed at: how to get an empty one, and how to be rid of it."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.sql import SQL, Identifier

from tests import needs


@dataclass(frozen=True)
class Database:
    """One choice of the option `database`."""

    # What `fresh` connects to; None where no server is involved.
    server: str | None
    # Makes an empty database; the folder is for those that are a file.
    fresh: Callable[[Path], AbstractContextManager[str]]
    # An address where there is none.
    away: str


@contextmanager
def _postgresql(_: Path) -> Iterator[str]:
    name = _unused_name()
    with psycopg.connect(needs.postgresql_url(), autocommit=True) as server:
        server.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        try:
            yield urlunsplit(urlsplit(needs.postgresql_url())._replace(path=f"/{name}"))
        finally:
            server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@contextmanager
def _mysql(_: Path) -> Iterator[str]:
    name = _unused_name()
    with needs.mysql_connection() as server, server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(needs.mysql_url())._replace(path=f"/{name}"))
        finally:
            cursor.execute(f"DROP DATABASE {name}")


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / _unused_name()}.sqlite3"


def _unused_name() -> str:
    """Nothing that runs at the same time on the same server may meet this one."""
    return f"live_{secrets.token_hex(6)}"


EVERY = {
    "postgresql": Database("PostgreSQL", _postgresql, "postgresql://nobody@127.0.0.1:1/nothing"),
    "mysql": Database("MariaDB", _mysql, "mysql://nobody@127.0.0.1:1/nothing"),
    "sqlite": Database(None, _sqlite, "sqlite:////nowhere/nothing.sqlite3"),
}
