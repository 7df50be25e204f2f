"""A conformance suite for a service's scripts that back up and restore its database."""

import asyncio
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, text

from ..database.migrations import Migrations
from ..database.port import Database, IdempotencyKey, sql
from ..identity import utc_now

Tables = dict[str, list[tuple[Any, ...]]]
# Such as to make a backup take a moment.
BALLAST_ROWS, BALLAST_BYTES = 40, 500_000
# A backup that reads one table after the other, by name, reads these before and after that of the ballast.
FIRST, LAST = "a_first_table", "z_last_table"


@dataclass(frozen=True)
class Backups:
    """The two scripts, and a folder for backups.

    Args:
        backup: the command that writes a backup into the folder that follows it, and prints its name.
        restore: the command that restores the file that follows it.
        folder: where backups are written.
    """

    backup: Sequence[str]
    restore: Sequence[str]
    folder: Path

    def run(self, command: Sequence[str], *arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        """Run one of them; the database is named in its environment."""
        call = [*command, *map(str, arguments)]
        return subprocess.run(call, env=os.environ | env, capture_output=True, text=True, timeout=60, check=False)

    def take(self, url: str) -> Path:
        """Take a backup, which must succeed."""
        done = self.run(self.backup, self.folder, DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.strip())

    def put(self, file: Path, url: str, *options: str) -> None:
        """Restore a backup, which must succeed."""
        done = self.run(self.restore, *options, file, DATABASE_URL=url)
        assert done.returncode == 0, done.stderr

    def refusal(self, file: Path, url: str) -> str:
        """Try to restore a backup, which must be refused; returns the error."""
        done = self.run(self.restore, file, DATABASE_URL=url)
        assert done.returncode == 1, done.stdout
        return done.stderr


def require_commands(*commands: str) -> None:
    """Skip the test where a client of the database is not installed."""
    missing = [command for command in commands if shutil.which(command) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def write_checksum(file: Path) -> None:
    """Write the checksum that a backup with this content has."""
    file.with_name(f"{file.name}.sha256").write_text(hashlib.sha256(file.read_bytes()).hexdigest())


def rows(engine: Engine) -> Tables:
    """All rows of all tables, including the schema's revisions."""
    with engine.connect() as connection:
        names = sorted(inspect(connection).get_table_names())
        found = {name: connection.execute(text(f"SELECT * FROM {name}")).all() for name in names}  # noqa: S608
        return {name: sorted(map(tuple, table), key=repr) for name, table in found.items()}


def schema(engine: Engine) -> dict[str, list[str]]:
    """Columns, keys, indexes and constraints of every table."""
    with engine.connect() as connection:
        found = inspect(connection)
        parts = (found.get_columns, found.get_indexes, found.get_check_constraints, found.get_unique_constraints)
        return {
            name: [_plain(repr(each)) for each in (found.get_pk_constraint(name), *(part(name) for part in parts))]
            for name in found.get_table_names()
        }


async def save_responses(database: Database, *keys: str, size: int = 256) -> None:
    """Save a response for each idempotency key, all in one transaction."""
    async with database.begin() as transaction:
        for name in keys:
            await transaction.idempotency.claim(key := IdempotencyKey(name, bytes(range(32))))
            await transaction.idempotency.save_response(key, os.urandom(size), utc_now())


async def _insert(database: Database, name: str) -> None:
    """Store a row in each of two tables, in one transaction."""
    async with database.begin() as transaction:
        for table in (FIRST, LAST):
            await sql(transaction).execute(f"INSERT INTO {table} (name) VALUES ('{name}')")  # noqa: S608 - a number


class BackupConformance:
    """The conformance suite of a pair of scripts.

    Fixtures: `backups`; `database_url` names a migrated database, `empty_database_url` one without a table; `database`
    is the adapter on the first, opened; `engine` and `migrations` make an engine and the migrations for a URL.
    """

    @pytest.fixture(autouse=True)
    def use(self, engine: Callable[[str], Engine], migrations: Callable[[str], Migrations]) -> None:
        """Keep what every test needs."""
        self.engine, self.migrations = engine, migrations

    async def test_a_backup_during_writes_is_of_one_moment(
        self, backups: Backups, database: Database, database_url: str, empty_database_url: str
    ) -> None:
        """Rows of one transaction are in the backup together, or not at all, whatever tables they are in."""
        committed: set[str] = set()
        many, done = asyncio.Event(), asyncio.Event()
        with self.engine(database_url).begin() as connection:
            for table in (FIRST, LAST):
                connection.execute(text(f"CREATE TABLE {table} (name varchar(32) NOT NULL PRIMARY KEY)"))
        for number in range(BALLAST_ROWS):
            await save_responses(database, f"ballast {number}", size=BALLAST_BYTES)

        async def write(writer: int) -> None:
            for number in count():
                name = f"{writer}-{number}"
                await _insert(database, name)
                committed.add(name)
                if number == 5:
                    many.set()
                if done.is_set():
                    return

        async with asyncio.TaskGroup() as writers:
            for writer in range(4):
                writers.create_task(write(writer))
            await many.wait()
            before = set(committed)
            file = await asyncio.to_thread(backups.take, database_url)
            done.set()
        await asyncio.to_thread(backups.put, file, empty_database_url)
        restored = rows(self.engine(empty_database_url))
        first, last = ({name for (name,) in restored[table]} for table in (FIRST, LAST))
        assert first == last
        assert before <= first < committed

    async def test_everything_comes_back(
        self, backups: Backups, database: Database, database_url: str, empty_database_url: str
    ) -> None:
        await save_responses(database, "every \\ byte ' \N{SNOWMAN}", "\\N")
        await asyncio.to_thread(lambda: backups.put(backups.take(database_url), empty_database_url))
        restored, original = self.engine(empty_database_url), self.engine(database_url)
        assert rows(restored) == rows(original)
        assert schema(restored) == schema(original)
        self.migrations(empty_database_url).check()
        self.migrations(empty_database_url).upgrade()

    @pytest.mark.parametrize("damage", ["a byte", "the end", "no checksum", "another checksum", "no backup"])
    def test_a_damaged_backup_is_refused(
        self, backups: Backups, damage: str, database_url: str, empty_database_url: str
    ) -> None:
        file = backups.take(database_url)
        _damage(file, damage)
        assert file.name in backups.refusal(file, empty_database_url)
        assert rows(self.engine(empty_database_url)) == {}

    def test_data_is_replaced_only_on_request(
        self, backups: Backups, database_url: str, empty_database_url: str
    ) -> None:
        file = backups.take(database_url)
        self.migrations(empty_database_url).upgrade()
        other = self.engine(empty_database_url)
        with other.begin() as connection:
            connection.execute(text("CREATE TABLE worth_keeping (id INTEGER PRIMARY KEY)"))
        before = rows(other)
        assert "--replace" in backups.refusal(file, empty_database_url)
        assert rows(other) == before
        backups.put(file, empty_database_url, "--replace")
        assert schema(other) == schema(self.engine(database_url))

    def test_only_complete_backups_have_a_name(self, backups: Backups, database_url: str) -> None:
        failed = backups.run(backups.backup, backups.folder, DATABASE_URL=f"{database_url}_missing")
        assert (failed.returncode, failed.stdout) == (1, "")
        assert failed.stderr
        assert [path.name for path in backups.folder.rglob("*")] == []
        file = backups.take(database_url)
        assert sorted(backups.folder.iterdir()) == [file, file.with_name(f"{file.name}.sha256")]
        assert {path.stat().st_mode & 0o077 for path in backups.folder.iterdir()} == {0}

    def test_a_database_without_the_schema_is_refused(self, backups: Backups, empty_database_url: str) -> None:
        """A wrong name of a database must not look like a successful backup."""
        rows(self.engine(empty_database_url))  # creates the file of a database that is one
        failed = backups.run(backups.backup, backups.folder, DATABASE_URL=empty_database_url)
        assert (failed.returncode, failed.stdout) == (1, "")
        assert "alembic_version" in failed.stderr
        assert not any(backups.folder.iterdir())

    @pytest.mark.parametrize("address", ["nonsense", "oracle://service:hidden@host/name"])
    def test_invalid_settings_are_reported_without_the_address(self, backups: Backups, address: str) -> None:
        for command, argument in ((backups.backup, backups.folder), (backups.restore, Path("some.backup"))):
            failed = backups.run(command, argument, DATABASE_URL=address)
            assert failed.returncode == 1
            assert "DATABASE_URL" in failed.stderr
            assert "hidden" not in failed.stderr

    def test_the_scripts_have_help(self, backups: Backups) -> None:
        for command in (backups.backup, backups.restore):
            assert "DATABASE_URL" in backups.run(command, "--help").stdout
            assert backups.run(command, "--nonsense").returncode != 0
        assert backups.run(backups.restore).returncode != 0


def _damage(file: Path, damage: str) -> None:
    checksum, content = file.with_name(f"{file.name}.sha256"), file.read_bytes()
    match damage:
        case "a byte":
            file.write_bytes(content[:-100] + bytes([content[-100] ^ 1]) + content[-99:])
        case "the end":
            file.write_bytes(content[:-1])
        case "no checksum":
            checksum.unlink()
        case "another checksum":
            checksum.write_text("0" * 64)
        case _:
            file.unlink()


def _plain(definition: str) -> str:
    """Without casts and brackets: a server may write conditions differently when it reads them again."""
    return re.sub(r"::[a-z]+( varying)?|[()\[\] ]", "", definition)
