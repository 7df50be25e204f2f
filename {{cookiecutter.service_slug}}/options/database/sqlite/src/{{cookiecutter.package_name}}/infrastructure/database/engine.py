"""How migrations reach SQLite: the standard library's driver, because a script needs no event loop."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from ...config.database import DatabaseSettings

WAIT_SECONDS = 60
# SQLite can hardly alter a table; alembic then builds a new one and copies the rows.
RENDER_AS_BATCH = True


def create_migration_engine(settings: DatabaseSettings) -> Engine:
    """An engine that opens one connection and leaves transactions to `guarded`.

    Args:
        settings: which file; it is made if it is missing.
    """
    return create_engine(
        settings.address,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": WAIT_SECONDS},
    )


@contextmanager
def guarded(connection: Connection) -> Iterator[None]:
    """One process migrates at a time, the others wait here. Commits when the block ends, rolls back when it raises."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")
