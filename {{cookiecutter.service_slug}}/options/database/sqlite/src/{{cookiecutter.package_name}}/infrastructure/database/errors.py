"""What sqlite3 raises when the file cannot be used, in the domain's words."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ...domain.errors import Unavailable

_REASONS = {
    "no such table": "schema is missing: run `{{ cookiecutter.service_slug }} migrate`",
    "unable to open database file": "no file there, or its folder cannot be used: is DATABASE_URL right?",
    "database is locked": "somebody else is writing",
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
