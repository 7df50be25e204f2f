"""Everything comes back, or nothing was changed: what the scripts do with PostgreSQL's own tools."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
from chassis.database.migrations import Migrations
from chassis.testing.backups import BackupConformance, Backups, rows
from sqlalchemy import Engine

STRANGE = "p@ss/w%rd: 'quoted\" \\ #1"
Engines = Callable[[str], Engine]


class TestBackup(BackupConformance):
    """All promises of the scripts."""


def test_a_restore_that_fails_leaves_nothing(
    backups: Backups, database_url: str, empty_database_url: str, engine: Engines
) -> None:
    file = backups.take(database_url)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("CREATE TYPE {{ cookiecutter.__entities }} AS ENUM ('in the way')")
    assert "Nothing was changed" in backups.refusal(file, empty_database_url)
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
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE added_later (id serial PRIMARY KEY)")
    backups.put(file, empty_database_url, "--replace")
    assert rows(engine(empty_database_url)) == rows(engine(database_url))


@pytest.mark.parametrize("in_file", [True, False])
def test_the_password_is_in_no_command_line_and_no_output(
    backups: Backups, database_url: str, tmp_path: Path, *, in_file: bool
) -> None:
    """Each client is replaced by one that records how it was called; the password must have arrived all the same."""
    (tmp_path / "secret").write_text(f"{STRANGE}\n")
    address = urlsplit(database_url)
    user, _, place = address.netloc.rpartition("@")
    encoded = "ignored" if in_file else quote(STRANGE, safe="")
    settings = {
        "DATABASE_URL": urlunsplit(address._replace(netloc=f"{user.partition(':')[0]}:{encoded}@{place}")),
        "DATABASE_PASSWORD_FILE": str(tmp_path / "secret") if in_file else "",
        "PATH": f"{_recording_clients(tmp_path)}:{os.environ['PATH']}",
    }
    taken = backups.run(backups.backup, backups.folder, **settings)
    # Where the server has another password, this is as far as it gets.
    again = backups.run(backups.restore, "--replace", taken.stdout.strip(), **settings)
    assert set((tmp_path / "passwords").read_text().splitlines()) == {STRANGE}
    calls = (tmp_path / "calls").read_text()
    for text in (calls, taken.stdout, taken.stderr, again.stdout, again.stderr):
        assert STRANGE not in text
        assert encoded not in text


def _recording_clients(folder: Path) -> Path:
    (folder / "clients").mkdir()
    for name in ("pg_dump", "pg_restore", "psql"):
        client = folder / "clients" / name
        client.write_text(
            "#!/bin/sh\n"
            f'echo "{name} $*" >>"{folder}/calls"\n'
            f'printf "%s\\n" "$PGPASSWORD" >>"{folder}/passwords"\n'
            f'exec "{shutil.which(name)}" "$@"\n'
        )
        client.chmod(0o755)
    return folder / "clients"
