"""Connections to one file, the values of rows, and what makes the database unavailable."""

import asyncio
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr, ValidationError

from chassis.database.port import IdempotencyKey
from chassis.database.sqlite import DatabaseSettings, SqliteDatabase, to_time, to_uuid
from chassis.domain import NotFound
from chassis.errors import Unavailable
from chassis.identity import new_id
from chassis.settings import InvalidSettings, ServiceSettings, load_settings
from chassis.testing.database import KEY, NOW
from chassis.testing.environment import clear_settings
from tests.database.sqlite.files import database_of, settings_of
from tests.sample.storage.sqlite import create_parcels
from tests.support.parcels import new_parcel

COUNT = 20


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "postgresql://service@database/name"])
def test_refuses_a_url_that_names_no_file(url: str) -> None:
    with pytest.raises(ValidationError, match="must look like sqlite:///"):
        DatabaseSettings(url=SecretStr(url))


@dataclass(frozen=True)
class Settings:
    """A service's settings."""

    service: ServiceSettings
    database: DatabaseSettings


@pytest.mark.parametrize("environment", ["dev", "production"])
def test_only_local_has_a_default_file(environment: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clear_settings(monkeypatch, [ServiceSettings, DatabaseSettings])
    assert load_settings(Settings).database.path == Path("service.sqlite3")
    monkeypatch.setenv("ENVIRONMENT", environment)
    with pytest.raises(InvalidSettings, match=f"DATABASE_URL: must be set where ENVIRONMENT={environment}"):
        load_settings(Settings)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/service.sqlite3")
    assert load_settings(Settings).database.path == tmp_path / "service.sqlite3"


async def test_the_first_connections_of_a_file_do_not_refuse_each_other(database_settings: DatabaseSettings) -> None:
    """A new or restored file is switched to write-ahead logging, for which SQLite admits one connection at once."""
    database_settings = database_settings.model_copy(update={"pool_size": 16})
    for _ in range(50):
        with sqlite3.connect(database_settings.path) as connection:
            assert connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
        connection.close()
        database = database_of(database_settings)
        await database.open()
        parcels = create_parcels(database)
        found = await asyncio.gather(*(parcels.find(new_id()) for _ in range(16)), return_exceptions=True)
        await database.close()
        assert [type(each) for each in found] == [NotFound] * 16


async def test_values_come_back_by_type(database: SqliteDatabase) -> None:
    id, zone = new_id(), timezone(timedelta(hours=5, minutes=45))
    at = datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=zone)
    [row] = await database.fetch("SELECT ?, ?, ?, ?, ?, ?", id, at, "text", 2**53, b"\0", None)
    assert (to_uuid(row[0]), to_time(row[1]), *row[2:]) == (id, at, "text", 2**53, b"\0", None)
    assert to_time(row[1]).tzinfo is UTC


async def test_times_and_ids_sort_as_text(database: SqliteDatabase) -> None:
    ids, times = [UUID(int=1), new_id()], [NOW.replace(microsecond=0), NOW, NOW + timedelta(hours=20)]
    assert [*await database.fetch("SELECT ? < ?, ? < ? AND ? < ?", *ids, *times[:2], *times[1:])] == [(1, 1)]


async def test_a_missing_file_is_unavailable_and_not_created(tmp_path: Path) -> None:
    path = tmp_path / "missing.sqlite3"
    database = database_of(settings_of(path))
    await database.open()
    with pytest.raises(Unavailable) as unavailable:
        await database.check()
    assert unavailable.value.reason.startswith("the file is missing")
    path.touch()
    with pytest.raises(Unavailable) as unavailable:
        await database.check()
    assert unavailable.value.reason == "schema is missing: run `migrate`"
    await database.close()


async def test_a_file_that_is_not_a_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "text.sqlite3"
    path.write_text("no database" * 100)
    database = database_of(settings_of(path))
    await database.open()
    with pytest.raises(Unavailable):
        await database.check()
    await database.close()


async def test_an_incomplete_schema_is_unavailable(
    database: SqliteDatabase, database_settings: DatabaseSettings
) -> None:
    await database.check()
    async with database.begin() as transaction:
        await transaction.execute("DELETE FROM alembic_version WHERE version_num LIKE 'chassis%'")
    with pytest.raises(Unavailable, match="run `migrate`"):
        await database.check()
    without_revisions = SqliteDatabase(database_settings, "tests")
    await without_revisions.open()
    await without_revisions.check()
    await without_revisions.close()


async def test_another_writer_makes_it_unavailable_after_the_time_limit(database_settings: DatabaseSettings) -> None:
    database = database_of(database_settings.model_copy(update={"busy_timeout_seconds": 0.1}))
    await database.open()
    with sqlite3.connect(database_settings.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="a lock was not available in time"):
            async with database.begin() as transaction:
                await transaction.fetch("SELECT 1")
        other.execute("ROLLBACK")
    other.close()
    async with database.begin() as transaction:
        assert await transaction.fetch("SELECT 1")
    assert database.usage().in_use == 0
    await database.close()


async def test_writers_do_not_wait_for_a_reader_and_the_reader_keeps_its_snapshot(
    database: SqliteDatabase, database_settings: DatabaseSettings
) -> None:
    parcels = create_parcels(database)
    assert not await parcels.page(None, None, 100)  # switches a new file to write-ahead logging
    with sqlite3.connect(database_settings.path, isolation_level=None) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT COUNT(*) FROM parcels").fetchone() == (0,)
        for _ in range(COUNT):
            async with database.begin() as transaction:
                await parcels.within(transaction).add(new_parcel())
        assert len(await parcels.page(None, None, 100)) == COUNT
        assert reader.execute("SELECT COUNT(*) FROM parcels").fetchone() == (0,)
        reader.execute("ROLLBACK")
        assert reader.execute("SELECT COUNT(*) FROM parcels").fetchone() == (COUNT,)
    reader.close()


async def test_a_transaction_that_is_cancelled_while_it_waits_leaves_nothing_behind(database: SqliteDatabase) -> None:
    async def wait() -> None:
        async with database.begin() as transaction:
            await transaction.idempotency.claim(KEY)

    async with database.begin() as first:
        await first.fetch("SELECT 1")
        waiting = asyncio.create_task(wait())
        while not waiting.done():
            await asyncio.sleep(0)
            waiting.cancel()
    assert waiting.cancelled()
    assert database.usage().in_use == 0
    async with database.begin() as transaction:
        assert await transaction.idempotency.claim(KEY) is None


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("INSERT INTO idempotency_keys VALUES (?, x'', x'', '')", "idempotency_keys.key"),
        ("INSERT INTO parcels VALUES (?, 'secret', -1, 'created', 1, '', '')", "parcels_quantity"),
        ("INSERT INTO parcels VALUES (?, NULL, 1, 'created', 1, '', '')", "parcels.reference"),
        ("INSERT INTO idempotency_keys VALUES (?, 'secret', x'', '')", "idempotency_keys.fingerprint"),
    ],
)
async def test_errors_hold_names_but_no_values(database: SqliteDatabase, statement: str, names: str) -> None:
    async with database.begin() as transaction:
        await transaction.idempotency.save_response(IdempotencyKey("secret", b"secret"), b"secret", NOW)
    with pytest.raises(sqlite3.IntegrityError) as refused:
        async with database.begin() as transaction:
            await transaction.execute(statement, "secret")
    assert names in str(refused.value)
    assert "secret" not in repr(refused.value)
