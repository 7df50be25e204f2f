"""Databases for the length of a test, on the server that DATABASE_URL names, and the scripts that back them up."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from chassis.testing.backups import Backups, require_commands
from chassis.testing.postgresql import fresh_database

# Read before tests change the environment. The database that it names is not touched.
DATABASE_URL = os.environ.get("DATABASE_URL")
SCRIPTS = Path(__file__).parents[2] / "scripts"


def server_url() -> str:
    """The server; skips the test where there is none."""
    if DATABASE_URL is None:
        pytest.skip("DATABASE_URL is not set: `make up` starts a PostgreSQL, `make test-integration` uses it")
    return DATABASE_URL


@contextmanager
def empty_database() -> Iterator[str]:
    """A database without a table inside the block; yields its URL."""
    with fresh_database(server_url()) as url:
        yield url


def create_backups(folder: Path) -> Backups:
    """The scripts, where the client fits the server: pg_dump refuses a server that is newer than itself."""
    require_commands("pg_dump", "pg_restore", "psql")
    version = subprocess.run(["pg_dump", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]  # noqa: S607
    with psycopg.connect(server_url()) as connection:
        server = connection.info.server_version // 10_000
    if int(version.partition(".")[0]) < server:
        pytest.skip(f"pg_dump {version} is older than the server, which is {server}")
    (folder / "backups").mkdir()
    return Backups([str(SCRIPTS / "backup.sh")], [str(SCRIPTS / "restore.sh")], folder / "backups")
