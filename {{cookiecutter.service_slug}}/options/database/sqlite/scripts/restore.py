#!/usr/bin/env python3
"""Puts a backup in the place of the database file: `python scripts/restore.py --help`."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from backup import checksum_of, database_file, digest, require_sound, to_disk


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--replace", is_flag=True, help="Replace a database that has tables; its file keeps another name.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def main(file: Path, replace: bool) -> None:
    """Restore the backup FILE to the place that DATABASE_URL names: all of it or nothing.

    Its checksum (FILE.sha256) and every page of it are verified first. A database that has tables is refused. The
    service must not run: a file that is in use is refused as well.
    """
    target = database_file()
    require_intact(file)
    try:
        with TemporaryDirectory(dir=target.parent, prefix=".unfinished-") as workspace:
            copy = Path(workspace) / target.name
            shutil.copyfile(file, copy)
            require_sound(copy)
            to_disk(copy)
            make_room(target, replace=replace)
            copy.replace(target)
            to_disk(target.parent)
    except (OSError, sqlite3.Error) as error:
        raise click.ClickException(f"{error}. Nothing was changed") from error
    click.echo(f"restored {file} to {target}")


def require_intact(file: Path) -> None:
    """Compare a backup with its checksum."""
    try:
        expected = checksum_of(file).read_text().split()[:1]
        intact = [digest(file)] == expected
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}; nothing is restored unverified") from error
    if not intact:
        raise click.ClickException(f"{file} is damaged: its checksum differs. Nothing was changed")


def make_room(target: Path, *, replace: bool) -> None:
    """Make sure that nobody uses the file and that it may be replaced; a second name keeps what it holds."""
    if not target.exists():
        return
    with closing(sqlite3.connect(target, timeout=1)) as connection:
        ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'")
        if tables and not replace:
            problem = f"{target} has {tables} tables already. Nothing was changed; say --replace to replace it"
            raise click.ClickException(problem)
        try:
            # Takes in the log, which must not meet another file, and fails while anybody else has the file open.
            connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as error:
            raise click.ClickException(f"{target} is in use: stop the service. Nothing was changed") from error
    if tables:
        os.link(target, target.with_name(f"{target.name}.replaced-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"))


if __name__ == "__main__":
    main()
