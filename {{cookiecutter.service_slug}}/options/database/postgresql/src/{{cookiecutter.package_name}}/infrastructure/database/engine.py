"""How migrations reach PostgreSQL: psycopg, because a script needs no event loop."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from ...config.database import DatabaseSettings

RENDER_AS_BATCH = False  # PostgreSQL alters tables in place
MIGRATION_LOCK = 0x6D696772  # "migr": any number that nothing else in this database locks
WAIT_SECONDS = 0.2
LOCK_TIMEOUT = "30s"  # while a migration waits for a table, so does everybody who comes later
_SSL_MODES = {"off": "disable", "require": "require", "verify": "verify-full"}


def create_migration_engine(settings: DatabaseSettings) -> Engine:
    """An engine that opens one connection and keeps none.

    Args:
        settings: which database.
    """
    options = {
        "client_encoding": "utf8",  # a database without an encoding would answer in bytes
        "sslmode": _SSL_MODES[settings.tls],
        "options": f"-c lock_timeout={LOCK_TIMEOUT}",
    }
    if settings.tls == "verify":
        options["sslrootcert"] = _trusted(settings)
    url = make_url(settings.address).set(drivername="postgresql+psycopg", password=settings.read_password() or None)
    return create_engine(url, poolclass=NullPool, connect_args=options)


def _trusted(settings: DatabaseSettings) -> str:
    """The certificates that requests trust too; psycopg brings an OpenSSL that does not know where the system's are."""
    system = ssl.get_default_verify_paths()
    found = (settings.tls_ca_file, system.cafile, Path(system.openssl_capath, "ca-certificates.crt"))
    return next((str(file) for file in found if file and Path(file).is_file()), "system")


@contextmanager
def guarded(connection: Connection) -> Iterator[None]:
    """One process migrates at a time, the others wait here. Commits when the block ends, rolls back when it raises."""
    # Not one statement that waits: its transaction would be open, and CREATE INDEX CONCURRENTLY waits for all of them.
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK}):
        connection.commit()
        sleep(WAIT_SECONDS)
    connection.commit()
    try:
        yield
        connection.commit()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.commit()
