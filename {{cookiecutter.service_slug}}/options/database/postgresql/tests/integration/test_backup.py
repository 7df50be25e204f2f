"""Backups of PostgreSQL: everything comes back, or nothing was changed."""

import os
import shutil
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import pytest
from psycopg import connect

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.infrastructure.database import migrations

from ..backups import SCRIPTS, BackupContract, Backups, require_commands
from ..tables import rows

STRANGE = "p@ss/w%rd: 'quoted\" \\ #1"


@pytest.fixture
def backups(tmp_path: Path, server_url: str) -> Backups:
    """The scripts, where the client fits the server: pg_dump refuses a server that is newer than itself."""
    require_commands("pg_dump", "pg_restore", "psql")
    folder = tmp_path / "backups"
    folder.mkdir()
    backups = Backups([str(SCRIPTS / "backup.sh")], [str(SCRIPTS / "restore.sh")], folder)
    version = backups.run(["pg_dump", "--version"]).stdout.split()[2]
    with connect(server_url) as connection:
        server = connection.info.server_version // 10_000
    if int(version.partition(".")[0]) < server:
        pytest.skip(f"pg_dump {version} is older than the server, which is {server}")
    return backups


class TestBackup(BackupContract):
    """Everything that a backup has to do."""


def test_what_fails_halfway_leaves_nothing(
    backups: Backups, database_settings: DatabaseSettings, empty_database_settings: DatabaseSettings
) -> None:
    file = backups.take(database_settings)
    with connect(empty_database_settings.address, autocommit=True) as connection:
        connection.execute("CREATE TYPE {{ cookiecutter.__entities }} AS ENUM ('in the way')")
    assert "Nothing was changed" in backups.refusal(file, empty_database_settings)
    assert rows(empty_database_settings) == {}


def test_replacing_takes_away_what_a_later_version_added(
    backups: Backups, database_settings: DatabaseSettings, empty_database_settings: DatabaseSettings
) -> None:
    file = backups.take(database_settings)
    migrations.upgrade(empty_database_settings)
    with connect(empty_database_settings.address, autocommit=True) as connection:
        connection.execute("CREATE TABLE added_later (id serial PRIMARY KEY)")
    backups.put(file, empty_database_settings, "--replace")
    assert rows(empty_database_settings) == rows(database_settings)


@pytest.mark.parametrize("in_file", [True, False])
def test_the_password_is_in_no_command_line_and_no_output(
    backups: Backups, database_url: str, tmp_path: Path, *, in_file: bool
) -> None:
    """Each client is replaced by one that notes how it was called; the password must have arrived all the same."""
    (tmp_path / "secret").write_text(f"{STRANGE}\n")
    address = urlsplit(database_url)
    user, _, place = address.netloc.rpartition("@")
    encoded = "ignored" if in_file else quote(STRANGE, safe="")
    settings = {
        "DATABASE_URL": urlunsplit(address._replace(netloc=f"{user.partition(':')[0]}:{encoded}@{place}")),
        "DATABASE_PASSWORD_FILE": str(tmp_path / "secret") if in_file else "",
        "PATH": f"{_spies(tmp_path)}:{os.environ['PATH']}",
    }
    taken = backups.run(backups.backup, backups.folder, **settings)
    # Where the server asks for another password, this is as far as it gets.
    again = backups.run(backups.restore, "--replace", taken.stdout.strip(), **settings)
    assert set((tmp_path / "passwords").read_text().splitlines()) == {STRANGE}
    calls = (tmp_path / "calls").read_text()
    for text in (calls, taken.stdout, taken.stderr, again.stdout, again.stderr):
        assert STRANGE not in text
        assert encoded not in text


def _spies(folder: Path) -> Path:
    (folder / "spies").mkdir()
    for name in ("pg_dump", "pg_restore", "psql"):
        spy = folder / "spies" / name
        spy.write_text(
            "#!/bin/sh\n"
            f'echo "{name} $*" >>"{folder}/calls"\n'
            f'printf "%s\\n" "$PGPASSWORD" >>"{folder}/passwords"\n'
            f'exec "{shutil.which(name)}" "$@"\n'
        )
        spy.chmod(0o755)
    return folder / "spies"
