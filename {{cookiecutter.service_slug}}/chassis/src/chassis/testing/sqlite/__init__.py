"""SQLite files for the length of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from ...database.sqlite.settings import PREFIX
from ...database.sqlite.values import encode
from ..rows import RecordedTable

# There are no connections over a network.
DEFAULT_PORT = None


@contextmanager
def fresh_database(url: str) -> Iterator[str]:
    """Name a file that does not exist yet, and delete it at the end of the block; yields its URL.

    Args:
        url: names a file in the same folder; the current folder is used if it is empty.
    """
    path = Path(url.removeprefix(PREFIX)).parent / f"test_{uuid4().hex}.sqlite3"
    try:
        yield f"{PREFIX}{path}"
    finally:
        for each in (path, *path.parent.glob(f"{path.name}-*")):
            each.unlink(missing_ok=True)


def recorded_table() -> RecordedTable:
    """A table in memory that holds values as this database's driver takes them."""
    return RecordedTable(encode)
