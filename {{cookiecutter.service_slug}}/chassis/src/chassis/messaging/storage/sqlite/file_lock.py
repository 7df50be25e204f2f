"""A lock on a file: the kernel releases it when its process ends, however that happens."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ....errors import Unavailable


@contextmanager
def file_lock(path: Path) -> Iterator[bool]:
    """Hold the lock inside the block; yields False, at once, if another process or task holds it.

    Args:
        path: is created if it is missing. Its folder must exist.

    Raises:
        Unavailable: the file cannot be created.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise Unavailable("database", "its folder cannot be written to") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
