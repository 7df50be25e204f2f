"""What every way to back up a database has to do, written once and run with the scripts of the one that was chosen."""

import asyncio
import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx2
import pytest

from {{ cookiecutter.package_name }}.bootstrap import create_service
from {{ cookiecutter.package_name }}.config import Settings
from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.domain.idempotency import IdempotencyKey
from {{ cookiecutter.package_name }}.infrastructure.database import migrations, select_database
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database

{% if cookiecutter.broker != "none" -%}
from .bookkeeping import fill_messages
{% endif -%}
from .conftest import running
from .persistence import NOW, new, store
from .tables import rows, schema
from .unit.test_api import DRAFT, URL

SCRIPTS = Path(__file__).parents[1] / "scripts"


@dataclass(frozen=True)
class Backups:
    """The two commands, and a folder for what they write."""

    backup: Sequence[str]
    restore: Sequence[str]
    folder: Path

    def run(self, command: Sequence[str], *arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        """Run one of them; the database is named in its environment."""
        call = [*command, *map(str, arguments)]
        return subprocess.run(call, env=os.environ | env, capture_output=True, text=True, timeout=60, check=False)

    def take(self, settings: DatabaseSettings) -> Path:
        """Take a backup, which must succeed."""
        done = self.run(self.backup, self.folder, DATABASE_URL=settings.address)
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.strip())

    def put(self, file: Path, settings: DatabaseSettings, *options: str) -> None:
        """Restore a backup, which must succeed."""
        done = self.run(self.restore, *options, file, DATABASE_URL=settings.address)
        assert done.returncode == 0, done.stderr

    def refusal(self, file: Path, settings: DatabaseSettings) -> str:
        """Try to restore, which must be refused; says why."""
        done = self.run(self.restore, file, DATABASE_URL=settings.address)
        assert done.returncode == 1, done.stdout
        return done.stderr


def seal(file: Path) -> None:
    """Give a file the checksum that fits it."""
    file.with_name(f"{file.name}.sha256").write_text(hashlib.sha256(file.read_bytes()).hexdigest())


async def fill(database: Database) -> None:
    """Aggregates in every state, and an answer with every byte there is."""
    changed = new(reference="B-2")
    await store(database, new(reference='Größe "42" \N{SNOWMAN} \\ \' ;--'), new(reference="\\N"), changed)
    async with database.begin() as work:
        stored = await work.{{ cookiecutter.__entities }}.get(changed.id)
        stored.confirm(NOW)
        await work.{{ cookiecutter.__entities }}.save(stored)
        await work.answers.claim(key := IdempotencyKey("every \\ byte ' \N{SNOWMAN}", bytes(range(32))))
        await work.answers.keep(key, bytes(range(256)), NOW)
{%- if cookiecutter.broker != "none" %}
    await fill_messages(database)
{%- endif %}


class BackupContract:
    """The fixture `backups` names the commands; databases come from the fixtures that all tests use."""

    async def test_a_restored_database_is_the_same(
        self,
        backups: Backups,
        client: httpx2.AsyncClient,
        database: Database,
        database_settings: DatabaseSettings,
        empty_database_settings: DatabaseSettings,
        settings: Settings,
    ) -> None:
        await fill(database)
        headers = {"idempotency-key": "before-the-backup"}
        created = await client.post(URL, json=DRAFT, headers=headers)
        backups.put(backups.take(database_settings), empty_database_settings)
        assert rows(empty_database_settings) == rows(database_settings)
        assert schema(empty_database_settings) == schema(database_settings)
        migrations.check(empty_database_settings)
        migrations.upgrade(empty_database_settings)
        async with running(create_service(settings, select_database(empty_database_settings))) as restored:
            assert (await restored.get(created.headers["location"])).json() == created.json()
            assert (await restored.get(URL)).json() == (await client.get(URL)).json()
            again = await restored.post(URL, json=DRAFT, headers=headers)
            assert (again.content, again.headers["idempotency-replayed"]) == (created.content, "true")
            assert (await restored.post(URL, json=DRAFT)).status_code == 201

    async def test_a_backup_amid_writes_is_of_one_moment(
        self,
        backups: Backups,
        client: httpx2.AsyncClient,
        database: Database,
        database_settings: DatabaseSettings,
        empty_database_settings: DatabaseSettings,
    ) -> None:
        """Every answer that was kept has its aggregate, and every aggregate its answer."""
        known: dict[str, str] = {}
        many, done = asyncio.Event(), asyncio.Event()
        await _weigh_down(database)

        async def write(writer: int) -> None:
            for number in count():
                key = f"{writer}-{number}"
                created = await client.post(URL, json=DRAFT, headers={"idempotency-key": key})
                known[key] = created.json()["id"]
                if number == 5:
                    many.set()
                if done.is_set():
                    return

        async with asyncio.TaskGroup() as writers:
            for writer in range(4):
                writers.create_task(write(writer))
            await many.wait()
            before = set(known)
            file = await asyncio.to_thread(backups.take, database_settings)
            done.set()
        backups.put(file, empty_database_settings)
        keys = {_text(row[0]) for row in rows(empty_database_settings)["idempotency_keys"]} - WEIGHTS
        restored = select_database(empty_database_settings)
        await restored.open()
        page = await restored.page(None, None, len(known))
        await restored.close()
        assert {known[key] for key in keys} == {str(each.id) for each in page.items}
        assert before <= keys < set(known)

    @pytest.mark.parametrize("damage", ["a byte", "the end", "no checksum", "another checksum", "no backup"])
    def test_a_damaged_backup_is_refused(
        self,
        backups: Backups,
        damage: str,
        database_settings: DatabaseSettings,
        empty_database_settings: DatabaseSettings,
    ) -> None:
        file = backups.take(database_settings)
        checksum = file.with_name(f"{file.name}.sha256")
        content = file.read_bytes()
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
        assert file.name in backups.refusal(file, empty_database_settings)
        assert rows(empty_database_settings) == {}

    async def test_data_is_not_overwritten_unless_told_so(
        self,
        backups: Backups,
        database: Database,
        database_settings: DatabaseSettings,
        empty_database_settings: DatabaseSettings,
    ) -> None:
        await fill(database)
        file = backups.take(database_settings)
        migrations.upgrade(empty_database_settings)
        other = select_database(empty_database_settings)
        await other.open()
        await store(other, new(reference="worth keeping"))
        await other.close()
        before = rows(empty_database_settings)
        assert "--replace" in backups.refusal(file, empty_database_settings)
        assert rows(empty_database_settings) == before
        backups.put(file, empty_database_settings, "--replace")
        assert rows(empty_database_settings) == rows(database_settings)
        assert schema(empty_database_settings) == schema(database_settings)

    def test_only_complete_backups_have_a_name(self, backups: Backups, database_settings: DatabaseSettings) -> None:
        address = f"{database_settings.address}_that_is_missing"
        failed = backups.run(backups.backup, backups.folder, DATABASE_URL=address)
        assert (failed.returncode, failed.stdout) == (1, "")
        assert failed.stderr
        assert [path.name for path in backups.folder.rglob("*")] == []
        file = backups.take(database_settings)
        assert sorted(backups.folder.iterdir()) == [file, file.with_name(f"{file.name}.sha256")]
        assert {path.stat().st_mode & 0o077 for path in backups.folder.iterdir()} == {0}

    def test_a_database_without_the_schema_is_no_backup(
        self, backups: Backups, empty_database_settings: DatabaseSettings
    ) -> None:
        """Whoever names the wrong database must not believe for a year that there are backups."""
        rows(empty_database_settings)  # brings the file into being, where it is one
        failed = backups.run(backups.backup, backups.folder, DATABASE_URL=empty_database_settings.address)
        assert (failed.returncode, failed.stdout) == (1, "")
        assert "alembic_version" in failed.stderr
        assert not any(backups.folder.iterdir())

    @pytest.mark.parametrize("address", ["nonsense", "oracle://service:hidden@host/name"])
    def test_wrong_settings_are_told_without_the_address(self, backups: Backups, address: str, tmp_path: Path) -> None:
        for command, argument in ((backups.backup, backups.folder), (backups.restore, tmp_path / "some.backup")):
            failed = backups.run(command, argument, DATABASE_URL=address)
            assert failed.returncode == 1
            assert "DATABASE_URL" in failed.stderr
            assert "hidden" not in failed.stderr

    def test_they_explain_themselves(self, backups: Backups) -> None:
        for command in (backups.backup, backups.restore):
            assert "DATABASE_URL" in backups.run(command, "--help").stdout
            assert backups.run(command, "--nonsense").returncode != 0
        assert backups.run(backups.restore).returncode != 0


WEIGHTS = {f"weight {number}" for number in range(40)}


async def _weigh_down(database: Database) -> None:
    """Takes a moment to back up, so that others write meanwhile."""
    for name in WEIGHTS:
        async with database.begin() as work:
            await work.answers.claim(key := IdempotencyKey(name, b""))
            await work.answers.keep(key, os.urandom(500_000), NOW)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def require_commands(*commands: str) -> None:
    """Skip where a client of the database is missing; CI has them."""
    missing = [command for command in commands if shutil.which(command) is None]
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}")
