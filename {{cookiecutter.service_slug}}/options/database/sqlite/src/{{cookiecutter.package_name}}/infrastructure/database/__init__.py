"""SQLite through aiosqlite; a second adapter, in memory, serves the unit tests."""

from ...config.database import DatabaseSettings
from .port import Database
from .sqlite import SqliteDatabase


def select_database(settings: DatabaseSettings) -> Database:
    """The database that the settings name."""
    return SqliteDatabase(settings.path, settings.pool_size, settings.busy_timeout_seconds)
