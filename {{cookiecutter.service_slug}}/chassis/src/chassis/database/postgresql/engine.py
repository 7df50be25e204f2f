"""How migrations reach PostgreSQL: through psycopg, because a script needs no event loop."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool

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
        """An engine that opens one connection and keeps none."""
        settings = self._settings
        options = {
            "client_encoding": "utf8",  # a database without an encoding would answer in bytes
            "sslmode": _SSL_MODES[settings.tls],
            "options": f"-c lock_timeout={LOCK_TIMEOUT}",
        }
        if settings.tls == "verify":
            options["sslrootcert"] = _trusted(settings)
        url = make_url(settings.address).set(drivername="postgresql+psycopg", password=settings.read_password() or None)
        return create_engine(url, poolclass=NullPool, connect_args=options, hide_parameters=True)

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


def _trusted(settings: DatabaseSettings) -> str:
    """The certificates that requests trust too; psycopg's OpenSSL does not know where the system's are."""
    system = ssl.get_default_verify_paths()
    candidates = (settings.tls_ca_file, system.cafile, Path(system.openssl_capath, "ca-certificates.crt"))
    return next((str(file) for file in candidates if file and Path(file).is_file()), "system")
