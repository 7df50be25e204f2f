"""Databases for the length of a test, on the server that DATABASE_URL names, and the scripts that back them up."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chassis.testing.backups import Backups, require_commands
from chassis.testing.mysql import fresh_database

# Read before tests change the environment. The database that it names is not touched.
DATABASE_URL = os.environ.get("DATABASE_URL")
SCRIPTS = Path(__file__).parents[2] / "scripts"


@contextmanager
def empty_database() -> Iterator[str]:
    """A database without a table inside the block; yields its URL. Skips the test where there is no server."""
    if DATABASE_URL is None:
        pytest.skip("DATABASE_URL is not set: `make up` starts a MySQL, `make test-integration` uses it")
    with fresh_database(DATABASE_URL) as url:
        yield url


def create_backups(folder: Path) -> Backups:
    """The scripts, with the clients of the server."""
    if shutil.which("mysqldump") is None:
        require_commands("mariadb", "mariadb-dump")
    (folder / "backups").mkdir()
    return Backups([str(SCRIPTS / "backup.sh")], [str(SCRIPTS / "restore.sh")], folder / "backups")
