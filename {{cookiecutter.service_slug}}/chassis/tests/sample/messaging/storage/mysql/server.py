"""A MySQL database for the sample's processes."""

from contextlib import AbstractContextManager

from chassis.testing import mysql
from tests.support import servers

DEFAULT_PORT = mysql.DEFAULT_PORT


def fresh_database() -> AbstractContextManager[str]:
    """An empty database inside the block; yields its URL."""
    return mysql.fresh_database(servers.url("mysql"))
