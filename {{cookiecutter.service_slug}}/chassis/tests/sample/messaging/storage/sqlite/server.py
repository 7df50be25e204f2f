"""A SQLite file for the sample's processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from chassis.testing import sqlite

DEFAULT_PORT = sqlite.DEFAULT_PORT


@contextmanager
def fresh_database() -> Iterator[str]:
    """A file that does not exist yet, inside the block; yields its URL."""
    with TemporaryDirectory() as folder, sqlite.fresh_database(f"sqlite:///{folder}/database.sqlite3") as url:
        yield url
