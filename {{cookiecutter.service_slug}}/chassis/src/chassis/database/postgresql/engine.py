"""How migrations reach PostgreSQL: through psycopg, because a script needs no event loop."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import psycopg
from sqlalchemy import Connection, Dialect, Engine, create_engine, event, make_url, text
from sqlalchemy.pool import NullPool

from ...errors import Unavailable
from .errors import with_remedy
from .settings import DatabaseSettings

MIGRATION_LOCK = 0x6D696772  # "migr": any number that nothing else in this database locks
POLL_SECONDS = 0.2
LOCK_TIMEOUT = "30s"  # while a migration waits for a table, every later statement on it waits too
_SSL_MODES = {"off": "disable", "require": "require", "verify": "verify-full"}


class MigrationTarget:
    """The database that is migrated."""

    render_as_batch = False  # PostgreSQL alters tables in place

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings

    def engine(self) -> Engine:
        """An engine that opens one connection and keeps none.

        Raises:
            Unavailable: only the address of a pooler is known.
        """
        settings = self._settings.direct()
        if settings is None:  # the lock and the time limit of `migrate` are those of its session
            raise Unavailable("database", "DATABASE_DIRECT_URL must be set: a pooler keeps no session for migrations")
        options = {
            "client_encoding": "utf8",  # a database without an encoding would answer in bytes
            "sslmode": _SSL_MODES[settings.tls],
            "options": f"-c lock_timeout={LOCK_TIMEOUT}",
        }
        if settings.tls == "verify":
            options["sslrootcert"] = _trusted(settings)
        url = make_url(settings.address).set(drivername="postgresql+psycopg", password=settings.read_password() or None)
        engine = create_engine(url, poolclass=NullPool, connect_args=options, hide_parameters=True)
        event.listen(engine, "do_connect", _connect)
        return engine

    @contextmanager
    def guarded(self, connection: Connection) -> Iterator[None]:
        """Wait until no other process migrates. Commits at the end of the block, rolls back if it raises."""
        # A single statement that waits would keep a transaction open, and CREATE INDEX CONCURRENTLY waits for all.
        while not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK}):
            connection.commit()
            sleep(POLL_SECONDS)
        connection.commit()
        try:
            yield
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
            connection.commit()


def _connect(dialect: Dialect, _: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
    """Open a connection; an error that a pooler causes names the settings to change."""
    try:
        return dialect.connect(*arguments, **options)
    except psycopg.OperationalError as error:
        raise type(error)(with_remedy(str(error))) from None


def _trusted(settings: DatabaseSettings) -> str:
    """The certificates that requests trust too; psycopg's OpenSSL does not know where the system's are."""
    system = ssl.get_default_verify_paths()
    candidates = (settings.tls_ca_file, system.cafile, Path(system.openssl_capath, "ca-certificates.crt"))
    return next((str(file) for file in candidates if file and Path(file).is_file()), "system")
