"""An account with a password and a database of its own, whatever the server lets others do."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

from psycopg import connect


@contextmanager
def account(database_url: str, password: str) -> Iterator[str]:
    """The same database for another role, as long as the block lasts; gives its URL, with the password."""
    name = f"test_{uuid4().hex}"
    place = urlsplit(database_url)
    with connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'".encode())
        connection.execute(f"ALTER DATABASE {place.path.lstrip('/')} OWNER TO {name}".encode())
        try:
            netloc = f"{name}:{quote(password, safe='')}@{place.netloc.rpartition('@')[2]}"
            yield urlunsplit(place._replace(netloc=netloc))
        finally:
            connection.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER".encode())
            connection.execute(f"DROP ROLE {name}".encode())
