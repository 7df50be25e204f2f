"""Database files for the length of a test, and the scripts that back them up."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from chassis.testing.backups import Backups
from chassis.testing.sqlite import fresh_database

SCRIPTS = Path(__file__).parents[2] / "scripts"


@contextmanager
def empty_database() -> Iterator[str]:
    """A file that does not exist yet, inside the block; yields its URL."""
    with TemporaryDirectory() as folder, fresh_database(f"sqlite:///{folder}/server") as url:
        yield url


def create_backups(folder: Path) -> Backups:
    """The scripts; they need only what the service needs."""
    (folder / "backups").mkdir()
    backup, restore = ([sys.executable, str(SCRIPTS / name)] for name in ("backup.py", "restore.py"))
    return Backups(backup, restore, folder / "backups")
