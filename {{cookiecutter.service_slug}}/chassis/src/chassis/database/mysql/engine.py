"""How migrations reach MySQL: PyMySQL, because a script needs no event loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from math import ceil

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from .settings import DatabaseSettings

WAIT_SECONDS = 300  # for another process that migrates
# A migration that waits for a table makes all later statements on it wait too, so it gives up early.
_SESSION = "SET SESSION sql_mode = 'TRADITIONAL', time_zone = '+00:00', lock_wait_timeout = 30"
_DATABASE = text("SELECT DATABASE()")
_LOCK = text("SELECT GET_LOCK(:name, :seconds)")
_NO_WAY_BACK = (
    "MySQL cannot roll back changes of the schema: what this migration did before the error has stayed, and "
    "alembic_version still names the one before. docs/runbooks/migration-failed.md describes how to go on."
)


class MigrationTarget:
    """A database to migrate."""

    render_as_batch = False  # MySQL alters tables in place

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings

    def engine(self) -> Engine:
        """An engine that opens one connection and keeps none."""
        tls = self._settings.tls_context()
        options = {
            "password": self._settings.read_password().encode(),  # the driver would take text for Latin-1
            "charset": "utf8mb4",
            "connect_timeout": ceil(self._settings.connect_timeout_seconds),
            "init_command": _SESSION,
            "ssl": tls,
            "ssl_disabled": tls is None,
        }
        url = make_url(self._settings.address).set(drivername="mysql+pymysql", password=None)
        return create_engine(url, poolclass=NullPool, connect_args=options, hide_parameters=True)

    @contextmanager
    def guarded(self, connection: Connection) -> Iterator[None]:
        """One process migrates at a time, the others wait here. The lock ends with the connection.

        Raises:
            TimeoutError: another process has been migrating for too long.
        """
        name = _lock_name(str(connection.scalar(_DATABASE)))
        if not connection.scalar(_LOCK, {"name": name, "seconds": WAIT_SECONDS}):
            raise TimeoutError(
                f"another process has been migrating this database for {WAIT_SECONDS} seconds; it holds the lock {name}"
            )
        connection.commit()
        try:
            yield
            connection.commit()
        except DBAPIError as error:
            error.add_note(_NO_WAY_BACK)
            raise


def _lock_name(database: str) -> str:
    """The database's own lock: the server shares these names among its databases, and ends them after 64 characters.

    The digest is made here, because MySQL has had no function for it since 9.6. It stays this one, so that a release
    before and one after this change wait for each other.
    """
    return f"migrate:{sha1(database.encode(), usedforsecurity=False).hexdigest()}"
