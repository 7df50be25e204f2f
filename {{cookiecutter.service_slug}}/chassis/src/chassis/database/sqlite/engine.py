"""How migrations reach SQLite: the standard library's driver, because a script needs no event loop."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from .settings import DatabaseSettings

WAIT_SECONDS = 60


class MigrationTarget:
    """A file to migrate; it is created if it is missing."""

    # SQLite can hardly alter a table; alembic then builds a new one and copies the rows.
    render_as_batch = True

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings

    def engine(self) -> Engine:
        """An engine that opens one connection and leaves transactions to `guarded`."""
        return create_engine(
            self._settings.address,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": WAIT_SECONDS},
            hide_parameters=True,
        )

    @contextmanager
    def guarded(self, connection: Connection) -> Iterator[None]:
        """One process migrates at a time, the others wait here. Commits at the end, rolls back if the block raises."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
