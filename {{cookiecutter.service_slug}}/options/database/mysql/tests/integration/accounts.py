"""An account with a password and a database of its own, whatever the server lets others do."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

from .conftest import run


@contextmanager
def account(database_url: str, password: str) -> Iterator[str]:
    """The same database for another user, as long as the block lasts; gives its URL, with the password."""
    name = f"test_{uuid4().hex[:16]}"
    place = urlsplit(database_url)
    spelled = password.replace("\\", "\\\\").replace("'", "''").replace("%", "%%")
    run(database_url, f"CREATE USER {name}@'%%' IDENTIFIED BY '{spelled}'")
    try:
        run(database_url, f"GRANT ALL ON {place.path.lstrip('/')}.* TO {name}@'%%'")
        netloc = f"{name}:{quote(password, safe='')}@{place.netloc.rpartition('@')[2]}"
        yield urlunsplit(place._replace(netloc=netloc))
    finally:
        run(database_url, f"DROP USER {name}@'%%'")
