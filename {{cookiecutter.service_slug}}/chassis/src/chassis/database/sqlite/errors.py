"""Maps the errors of sqlite3 to those of the chassis. SQLite's messages name tables and columns, never values."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import Unavailable

_REASONS = {
    "no such table": "schema is missing: run `migrate`",
    "unable to open database file": "the file is missing, or its folder cannot be used: is DATABASE_URL right?",
    "database is locked": "a lock was not available in time",
    "attempt to write a readonly database": "the file is read-only",
    "database or disk is full": "the disk is full",
}


@contextmanager
def unavailable_errors() -> Iterator[None]:
    """Raise Unavailable where the file, and not the caller, is the reason."""
    try:
        yield
    except TimeoutError as error:
        raise Unavailable("database", _REASONS["database is locked"]) from error
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.DatabaseError as error:
        known = (reason for text, reason in _REASONS.items() if str(error).startswith(text))
        raise Unavailable("database", next(known, "cannot be used")) from error
