"""Everything comes back, or nothing was changed: what the scripts do with the server's own tools."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from chassis.database.migrations import Migrations
from chassis.testing.backups import BackupConformance, Backups, require_commands, rows
from chassis.testing.mysql import account, run
from sqlalchemy import Engine

STRANGE = "p@ss/w%rd: 'quoted\" \\ #1"
Engines = Callable[[str], Engine]


class TestBackup(BackupConformance):
    """All promises of the scripts."""


def test_a_restore_that_fails_leaves_nothing(
    backups: Backups, database_url: str, empty_database_url: str, engine: Engines
) -> None:
    file = backups.take(database_url)
    run(empty_database_url, "CREATE VIEW `{{ cookiecutter.__entities }}` AS SELECT 1 AS in_the_way")
    assert "the database is empty now" in backups.refusal(file, empty_database_url)
    assert rows(engine(empty_database_url)) == {}


def test_replacing_removes_what_a_later_version_added(
    backups: Backups,
    database_url: str,
    empty_database_url: str,
    engine: Engines,
    migrations: Callable[[str], Migrations],
) -> None:
    file = backups.take(database_url)
    migrations(empty_database_url).upgrade()
    run(
        empty_database_url,
        "CREATE TABLE added_later (id int PRIMARY KEY)",
        "CREATE TABLE added_last (id int PRIMARY KEY, FOREIGN KEY (id) REFERENCES added_later (id))",
    )
    backups.put(file, empty_database_url, "--replace")
    assert rows(engine(empty_database_url)) == rows(engine(database_url))


def test_functions_are_in_the_backup(backups: Backups, database_url: str, empty_database_url: str) -> None:
    run(database_url, "CREATE FUNCTION answer() RETURNS int DETERMINISTIC RETURN 42")
    backups.put(backups.take(database_url), empty_database_url)
    assert run(empty_database_url, "SELECT answer()")[0][0] == 42


@pytest.mark.parametrize("in_file", [True, False])
def test_the_password_is_in_no_command_line_and_no_output(
    backups: Backups, database_url: str, tmp_path: Path, *, in_file: bool
) -> None:
    """Each client is replaced by one that records how it was called; the file with the password is gone afterwards."""
    (tmp_path / "secret").write_text(f"{STRANGE}\n")
    with account(database_url, STRANGE) as url:
        encoded = url.rpartition("@")[0].rpartition(":")[2]
        settings = {
            "DATABASE_URL": url.replace(encoded, "ignored") if in_file else url,
            "DATABASE_PASSWORD_FILE": str(tmp_path / "secret") if in_file else "",
            "PATH": f"{_recording_clients(tmp_path)}:{os.environ['PATH']}",
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
    engine: Engines,
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
    assert rows(engine(empty_database_url)) == rows(engine(database_url))


def _recording_clients(folder: Path) -> Path:
    (folder / "clients").mkdir()
    for name in ("mariadb", "mariadb-dump", "mysql", "mysqldump"):
        client = folder / "clients" / name
        client.write_text(
            "#!/bin/sh\n"
            f'echo "{name} $*" >>"{folder}/calls"\n'
            f'file="$1"; file=$(echo "$file" | cut -d= -f2)\n'
            f'[ ! -f "$file" ] || stat -c %A "$file" >>"{folder}/modes"\n'
            f'exec "{shutil.which(name)}" "$@"\n'
        )
        client.chmod(0o755)
    return folder / "clients"
