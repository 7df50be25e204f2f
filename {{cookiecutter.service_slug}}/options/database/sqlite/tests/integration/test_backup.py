"""Everything comes back, or nothing was changed: what the scripts do with the file."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from chassis.database import Database
from chassis.testing.backups import BackupConformance, Backups, rows, save_responses, write_checksum
from sqlalchemy import Engine

Engines = Callable[[str], Engine]


class TestBackup(BackupConformance):
    """All promises of the scripts."""


def file_of(url: str) -> Path:
    """The file that a URL names."""
    return Path(url.removeprefix("sqlite:///"))


async def test_a_file_in_use_is_not_replaced(
    backups: Backups, database: Database, database_url: str, engine: Engines
) -> None:
    file = await asyncio.to_thread(backups.take, database_url)
    await save_responses(database, "a key")
    before = rows(engine(database_url))
    refused = await asyncio.to_thread(backups.run, backups.restore, "--replace", file, DATABASE_URL=database_url)
    assert refused.returncode == 1
    assert "stop the service" in refused.stderr
    assert rows(engine(database_url)) == before


def test_only_the_file_has_to_be_named(backups: Backups, database_url: str) -> None:
    given = {"ENVIRONMENT": "production", "DATABASE_URL": database_url}
    done = backups.run(backups.backup, backups.folder, **given)
    assert done.returncode == 0, done.stderr


def test_a_replaced_file_is_kept(backups: Backups, database_url: str, engine: Engines) -> None:
    file, original = backups.take(database_url), file_of(database_url)
    with closing(sqlite3.connect(original)) as connection:
        connection.execute("CREATE TABLE added_later (id INTEGER PRIMARY KEY)")
    before = rows(engine(database_url))
    backups.put(file, database_url, "--replace")
    [kept] = original.parent.glob("*.replaced-*")
    assert rows(engine(database_url)) != before
    assert rows(engine(f"sqlite:///{kept}")) == before


def test_what_a_crash_left_in_the_log_is_in_the_backup(
    backups: Backups, database_url: str, engine: Engines, tmp_path: Path
) -> None:
    crashed, original = tmp_path / "crashed", file_of(database_url)
    crashed.mkdir()
    with closing(sqlite3.connect(original)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("INSERT INTO alembic_version (version_num) VALUES ('in the log')")
        connection.commit()
        for file in original.parent.glob(f"{original.name}*"):
            (crashed / file.name).write_bytes(file.read_bytes())
    taken = backups.take(f"sqlite:///{crashed / original.name}")
    assert ("in the log",) in rows(engine(f"sqlite:///{taken}"))["alembic_version"]


@pytest.mark.parametrize("content", [b"", b"not a database", "a damaged page"])
def test_a_backup_that_is_not_a_sound_database_is_refused(
    backups: Backups, content: bytes | str, database_url: str, empty_database_url: str
) -> None:
    file = backups.take(database_url)
    if isinstance(content, str):
        content = file.read_bytes()
        content = content[:4096] + bytes(4096) + content[8192:]
    file.write_bytes(content)
    write_checksum(file)
    assert "Nothing was changed" in backups.refusal(file, empty_database_url)
    assert not file_of(empty_database_url).exists()
