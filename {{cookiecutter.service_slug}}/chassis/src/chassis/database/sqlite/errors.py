"""Maps the errors of sqlite3 to those of the chassis. SQLite's messages name tables and columns, never values."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import ReadOnly, Unavailable

_REASONS = {
    "no such table": "schema is missing: run `migrate`",
    "unable to open database file": "the file is missing, or its folder cannot be used: is DATABASE_URL right?",
    "database is locked": "a lock was not available in time",
    "database or disk is full": "the disk is full",
}


@contextmanager
def unavailable_errors() -> Iterator[None]:
    """Raise Unavailable where the file, and not the caller, is the reason."""
    try:
        yield
    except TimeoutError as error:
        raise Unavailable("database", _REASONS["database is locked"], is_outage=False) from error
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.DatabaseError as error:
        if str(error).startswith("attempt to write a readonly database"):
            raise ReadOnly("database", "the file is read-only") from error
        known = (reason for text, reason in _REASONS.items() if str(error).startswith(text))
        reason = next(known, "cannot be used")
        raise Unavailable("database", reason, is_outage=reason != _REASONS["database is locked"]) from error
