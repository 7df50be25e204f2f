"""How migrations reach PostgreSQL: psycopg, because a script needs no event loop."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool

RENDER_AS_BATCH = False  # PostgreSQL alters tables in place
MIGRATION_LOCK = 0x6D696772  # "migr": any number that nothing else in this database locks


def create_migration_engine(url: str) -> Engine:
    """An engine that opens one connection and keeps none.

    Args:
        url: the database, as in DATABASE_URL.
    """
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={"client_encoding": "utf8"},  # a database without an encoding would answer in bytes
    )


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
