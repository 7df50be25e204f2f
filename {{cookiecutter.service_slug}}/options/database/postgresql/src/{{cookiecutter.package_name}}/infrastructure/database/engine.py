"""How migrations reach PostgreSQL: psycopg, because a script needs no event loop."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from ...config.database import DatabaseSettings

RENDER_AS_BATCH = False  # PostgreSQL alters tables in place
MIGRATION_LOCK = 0x6D696772  # "migr": any number that nothing else in this database locks
_SSL_MODES = {"off": "disable", "require": "require", "verify": "verify-full"}


def create_migration_engine(settings: DatabaseSettings) -> Engine:
    """An engine that opens one connection and keeps none.

    Args:
        settings: which database.
    """
    options = {
        "client_encoding": "utf8",  # a database without an encoding would answer in bytes
        "sslmode": _SSL_MODES[settings.tls],
    }
    if settings.tls_ca_file is not None:
        options["sslrootcert"] = str(settings.tls_ca_file)
    url = make_url(settings.address).set(drivername="postgresql+psycopg", password=settings.read_password() or None)
    return create_engine(url, poolclass=NullPool, connect_args=options)


@contextmanager
def guarded(connection: Connection) -> Iterator[None]:
    """One process migrates at a time, the others wait here. Commits when the block ends, rolls back when it raises."""
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
    connection.commit()
    try:
        yield
        connection.commit()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.commit()
