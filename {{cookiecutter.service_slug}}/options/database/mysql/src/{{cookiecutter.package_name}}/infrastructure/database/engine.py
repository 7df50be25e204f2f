"""How migrations reach MySQL: PyMySQL, because a script needs no event loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from ...config.database import DatabaseSettings

RENDER_AS_BATCH = False  # MySQL alters tables in place
WAIT_SECONDS = 300  # for another process that migrates
# A migration that waits for a table makes everybody wait who comes after it, so it gives up early.
_SESSION = "SET SESSION sql_mode = 'TRADITIONAL', time_zone = '+00:00', lock_wait_timeout = 30"
# Names of locks are known to the whole server, so the database is part of this one.
_LOCK = text("SELECT GET_LOCK(CONCAT('migrate:', SHA1(DATABASE())), :seconds)")
_NO_WAY_BACK = (
    "MySQL cannot roll back changes of the schema: what this migration did before the error has stayed, and "
    "alembic_version still names the one before. docs/runbooks/migration-failed.md says how to go on."
)


def create_migration_engine(settings: DatabaseSettings) -> Engine:
    """An engine that opens one connection and keeps none.

    Args:
        settings: which database.
    """
    tls = settings.tls_context()
    options = {
        "password": settings.read_password().encode(),  # the driver would take text for Latin-1
        "charset": "utf8mb4",
        "connect_timeout": ceil(settings.connect_timeout_seconds),
        "init_command": _SESSION,
        "ssl": tls,
        "ssl_disabled": tls is None,
    }
    url = make_url(settings.address).set(drivername="mysql+pymysql", password=None)
    return create_engine(url, poolclass=NullPool, connect_args=options)


@contextmanager
def guarded(connection: Connection) -> Iterator[None]:
    """One process migrates at a time, the others wait here. The lock ends with the connection.

    Raises:
        TimeoutError: somebody else has been migrating for too long.
    """
    if not connection.scalar(_LOCK, {"seconds": WAIT_SECONDS}):
        raise TimeoutError(f"another process has been migrating this database for {WAIT_SECONDS} seconds")
    connection.commit()
    try:
        yield
        connection.commit()
    except DBAPIError as error:
        error.add_note(_NO_WAY_BACK)
        raise
