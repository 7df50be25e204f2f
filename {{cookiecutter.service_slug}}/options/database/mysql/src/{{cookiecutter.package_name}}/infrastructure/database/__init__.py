"""MySQL and MariaDB through asyncmy, and the stand-in that needs no server."""

import structlog

from ...config.database import DatabaseSettings
from .memory import MemoryDatabase
from .mysql import MysqlDatabase
from .port import Database


def select_database(settings: DatabaseSettings) -> Database:
    """The database that the settings name; in memory if they name none."""
    if settings.url is None:
        log = structlog.stdlib.get_logger("database")
        log.warning("no DATABASE_URL: data is kept in memory and lives as long as this process")
        return MemoryDatabase()
    return MysqlDatabase(settings)
