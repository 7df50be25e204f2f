"""Backups of the file: everything comes back, or nothing was changed."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database

from ..backups import SCRIPTS, BackupContract, Backups, fill, seal
from ..tables import rows


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    """The scripts; they need nothing but what the service needs."""
    folder = tmp_path / "backups"
    folder.mkdir()
    backup, restore = ([sys.executable, str(SCRIPTS / name)] for name in ("backup.py", "restore.py"))
    return Backups(backup, restore, folder)


class TestBackup(BackupContract):
    """Everything that a backup has to do."""


async def test_a_file_in_use_is_not_replaced(
    backups: Backups, database: Database, database_settings: DatabaseSettings
) -> None:
    file = backups.take(database_settings)
    await fill(database)
    before = rows(database_settings)
    refused = backups.run(backups.restore, "--replace", file, DATABASE_URL=database_settings.address)
    assert refused.returncode == 1
    assert "stop the service" in refused.stderr
    assert rows(database_settings) == before


def test_only_the_file_has_to_be_named_where_nothing_else_runs(
    backups: Backups, database_settings: DatabaseSettings
) -> None:
    given = {"ENVIRONMENT": "production", "DATABASE_URL": database_settings.address{{ ', "BROKER_URL": ""' if cookiecutter.broker != "none" }}}
    done = backups.run(backups.backup, backups.folder, **given)
    assert done.returncode == 0, done.stderr


async def test_what_was_replaced_is_kept(
    backups: Backups, closed_database: Database, database_settings: DatabaseSettings
) -> None:
    file = backups.take(database_settings)
    await closed_database.open()
    await fill(closed_database)
    await closed_database.close()
    before = rows(database_settings)
    backups.put(file, database_settings, "--replace")
    [kept] = database_settings.path.parent.glob("*.replaced-*")
    assert rows(database_settings) != before
    assert rows(DatabaseSettings.model_validate({"url": f"sqlite:///{kept}"})) == before


def test_what_a_crash_left_in_the_log_is_in_the_backup(
    backups: Backups, database_settings: DatabaseSettings, tmp_path: Path
) -> None:
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with closing(sqlite3.connect(database_settings.path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE alembic_version SET version_num = 'in the log'")
        connection.commit()
        for file in tmp_path.glob(f"{database_settings.path.name}*"):
            (crashed / file.name).write_bytes(file.read_bytes())
    settings = DatabaseSettings.model_validate({"url": f"sqlite:///{crashed / database_settings.path.name}"})
    taken = DatabaseSettings.model_validate({"url": f"sqlite:///{backups.take(settings)}"})
    assert rows(taken)["alembic_version"] == [("in the log",)]


@pytest.mark.parametrize("content", [b"", b"not a database", "a damaged page"])
def test_a_backup_that_is_no_sound_database_is_refused(
    backups: Backups,
    content: bytes | str,
    database_settings: DatabaseSettings,
    empty_database_settings: DatabaseSettings,
) -> None:
    file = backups.take(database_settings)
    if isinstance(content, str):
        content = file.read_bytes()
        content = content[:4096] + bytes(4096) + content[8192:]
    file.write_bytes(content)
    seal(file)
    assert "Nothing was changed" in backups.refusal(file, empty_database_settings)
    assert not empty_database_settings.path.exists()
