#!/usr/bin/env python3
"""Copies the database file while the service uses it: `python scripts/backup.py --help`."""

import hashlib
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from chassis.database.sqlite import DatabaseSettings
from chassis.settings import InvalidSettings, ServiceSettings, load_settings


@dataclass(frozen=True)
class Settings:
    """What a backup needs to know, whatever else is set."""

    service: ServiceSettings
    database: DatabaseSettings


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", default="backups", type=click.Path(file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Write a backup of the file that DATABASE_URL names into FOLDER (default: backups) and print its name.

    The service may run meanwhile: a backup holds the data of one moment. Beside it, in a file with .sha256 at the end
    of its name, is its checksum. A backup that has its final name is complete.
    """
    os.umask(0o077)
    source = database_file()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{{ cookiecutter.service_slug }}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.sqlite3"
    with TemporaryDirectory(dir=folder, prefix=".unfinished-") as workspace:
        copy = Path(workspace) / target.name
        try:
            copy_now(source, copy)
            require_sound(copy)
        except sqlite3.Error as error:
            raise click.ClickException(f"{source}: {error}; no backup was written") from error
        publish(copy, target)
    click.echo(target)


def database_file() -> Path:
    """The file that DATABASE_URL names; ends the process if it is wrong."""
    try:
        return load_settings(Settings, ["database"]).database.path
    except InvalidSettings as error:
        raise click.ClickException("\n".join(error.problems)) from error


def copy_now(source: Path, target: Path) -> None:
    """Copy within one transaction that only reads, so that it keeps nobody waiting and sees no half change."""
    uri = f"{source.absolute().as_uri()}?mode=rw"  # rw, because ro could not take in what a crash left in the log
    with closing(sqlite3.connect(uri, uri=True, timeout=60)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def require_sound(file: Path) -> None:
    """Read every page of a file that nobody else uses. Raises sqlite3.DatabaseError if it is damaged or not ours."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        ((result, *_), *_) = connection.execute("PRAGMA integrity_check(1)")
        if result != "ok":
            raise sqlite3.DatabaseError(f"{file.name} is damaged: {result}")
        connection.execute("SELECT version_num FROM alembic_version")


def checksum_of(file: Path) -> Path:
    """Where the checksum of a backup is."""
    return file.with_name(f"{file.name}.sha256")


def digest(file: Path) -> str:
    """The SHA-256 of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def to_disk(path: Path) -> None:
    """Wait until a file, or what a folder holds, would survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(finished: Path, target: Path) -> None:
    """Give a finished backup its name: the checksum first, so that a backup never stands alone."""
    if target.exists():
        raise click.ClickException(f"{target} exists already")
    checksum = checksum_of(finished)
    checksum.write_text(f"{digest(finished)}  {target.name}\n")
    for written, name in ((checksum, checksum_of(target)), (finished, target)):
        to_disk(written)
        written.replace(name)
    to_disk(target.parent)


if __name__ == "__main__":
    main()
