"""SQLite files for the length of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from ...database.sqlite.settings import PREFIX

# There are no connections over a network.
DEFAULT_PORT = None


@contextmanager
def fresh_database(url: str) -> Iterator[str]:
    """Name a file beside the one of a URL, and delete it at the end of the block; yields its URL."""
    path = Path(url.removeprefix(PREFIX)).with_name(f"test_{uuid4().hex}.sqlite3")
    try:
        yield f"{PREFIX}{path}"
    finally:
        for each in (path, *path.parent.glob(f"{path.name}-*")):
            each.unlink(missing_ok=True)
