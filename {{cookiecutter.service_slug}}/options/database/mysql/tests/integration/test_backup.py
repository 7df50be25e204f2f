"""Backups: everything comes back, or the database is as empty as it was."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.infrastructure.database import migrations

from ..backups import SCRIPTS, BackupContract, Backups, require_commands
from ..tables import rows
from .accounts import account
from .conftest import run, settings_of

STRANGE = "p@ss/w%rd: 'quoted\" \\ #1"


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    """The scripts, with the clients of the server."""
    if shutil.which("mysqldump") is None:
        require_commands("mariadb", "mariadb-dump")
    folder = tmp_path / "backups"
    folder.mkdir()
    return Backups([str(SCRIPTS / "backup.sh")], [str(SCRIPTS / "restore.sh")], folder)


class TestBackup(BackupContract):
    """Everything that a backup has to do."""


def test_what_fails_halfway_leaves_nothing(
    backups: Backups, database_settings: DatabaseSettings, empty_database_settings: DatabaseSettings
) -> None:
    file = backups.take(database_settings)
    run(empty_database_settings.address, "CREATE VIEW {{ cookiecutter.__entities }} AS SELECT 1 AS in_the_way")
    assert "the database is empty now" in backups.refusal(file, empty_database_settings)
    assert rows(empty_database_settings) == {}


def test_replacing_takes_away_what_a_later_version_added(
    backups: Backups, database_settings: DatabaseSettings, empty_database_settings: DatabaseSettings
) -> None:
    file = backups.take(database_settings)
    migrations.upgrade(empty_database_settings)
    run(
        empty_database_settings.address,
        "CREATE TABLE added_later (id int PRIMARY KEY)",
        "CREATE TABLE added_last (id int PRIMARY KEY, FOREIGN KEY (id) REFERENCES added_later (id))",
    )
    backups.put(file, empty_database_settings, "--replace")
    assert rows(empty_database_settings) == rows(database_settings)


def test_what_the_server_runs_is_in_the_backup(
    backups: Backups, database_settings: DatabaseSettings, empty_database_settings: DatabaseSettings
) -> None:
    run(database_settings.address, "CREATE FUNCTION answer() RETURNS int DETERMINISTIC RETURN 42")
    backups.put(backups.take(database_settings), empty_database_settings)
    assert run(empty_database_settings.address, "SELECT answer()")[0][0] == 42


@pytest.mark.parametrize("in_file", [True, False])
def test_the_password_is_in_no_command_line_and_no_output(
    backups: Backups, database_url: str, tmp_path: Path, *, in_file: bool
) -> None:
    """Each client is replaced by one that notes how it was called; the file with the password is gone afterwards."""
    (tmp_path / "secret").write_text(f"{STRANGE}\n")
    with account(database_url, STRANGE) as url:
        encoded = url.rpartition("@")[0].rpartition(":")[2]
        settings = {
            "DATABASE_URL": url.replace(encoded, "ignored") if in_file else url,
            "DATABASE_PASSWORD_FILE": str(tmp_path / "secret") if in_file else "",
            "PATH": f"{_spies(tmp_path)}:{os.environ['PATH']}",
            "TMPDIR": str(tmp_path),
        }
        taken = backups.run(backups.backup, backups.folder, **settings)
        assert taken.returncode == 0, taken.stderr
        again = backups.run(backups.restore, "--replace", taken.stdout.strip(), **settings)
        assert again.returncode == 0, again.stderr
    calls = (tmp_path / "calls").read_text()
    assert "login" in calls
    for text in (calls, taken.stdout, taken.stderr, again.stdout, again.stderr):
        assert STRANGE not in text
        assert encoded not in text
    assert set((tmp_path / "modes").read_text().split()) == {stat.filemode(0o100600)}
    assert not list(tmp_path.rglob("login"))


@pytest.mark.parametrize("names", [("mysql", "mysqldump"), ("mariadb", "mariadb-dump")])
def test_works_with_either_name_of_the_clients(
    backups: Backups,
    database_url: str,
    empty_database_url: str,
    tmp_path: Path,
    names: tuple[str, str],
) -> None:
    require_commands(*names)
    tools = ("bash", "env", "gzip", "sha256sum", "mktemp", "mkdir", "mv", "rm", "sync", "date", "tail", "grep", "cat")
    only = tmp_path / "only"
    only.mkdir()
    for name in (*names, *tools):
        (only / name).symlink_to(shutil.which(name) or name)
    taken = backups.run(backups.backup, backups.folder, DATABASE_URL=database_url, PATH=str(only))
    assert taken.returncode == 0, taken.stderr
    file = taken.stdout.strip()
    again = backups.run(backups.restore, file, DATABASE_URL=empty_database_url, PATH=str(only))
    assert again.returncode == 0, again.stderr
    assert rows(settings_of(empty_database_url)) == rows(settings_of(database_url))


def _spies(folder: Path) -> Path:
    (folder / "spies").mkdir()
    for name in ("mariadb", "mariadb-dump", "mysql", "mysqldump"):
        spy = folder / "spies" / name
        spy.write_text(
            "#!/bin/sh\n"
            f'echo "{name} $*" >>"{folder}/calls"\n'
            f'file="$1"; file=$(echo "$file" | cut -d= -f2)\n'
            f'[ ! -f "$file" ] || stat -c %A "$file" >>"{folder}/modes"\n'
            f'exec "{shutil.which(name)}" "$@"\n'
        )
        spy.chmod(0o755)
    return folder / "spies"
