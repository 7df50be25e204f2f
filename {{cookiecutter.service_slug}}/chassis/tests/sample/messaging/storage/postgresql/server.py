"""A PostgreSQL database for the sample's processes."""

from contextlib import AbstractContextManager

from chassis.testing import postgresql
from tests.support import servers

DEFAULT_PORT = postgresql.DEFAULT_PORT


def fresh_database() -> AbstractContextManager[str]:
    """An empty database inside the block; yields its URL."""
    return postgresql.fresh_database(servers.url("postgresql"))
