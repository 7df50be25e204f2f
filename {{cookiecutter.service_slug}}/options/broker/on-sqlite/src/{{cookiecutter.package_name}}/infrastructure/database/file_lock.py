"""A lock on a file: the kernel frees it when the process that holds it ends, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...domain.errors import Unavailable


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold the lock within the block; gives False, at once, if somebody else has it.

    Args:
        path: is made if it is not there. Its folder must be.

    Raises:
        Unavailable: the file cannot be made.
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
