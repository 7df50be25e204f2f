"""What every session and every table is set to, whatever the server's own settings are."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.exc import OperationalError

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.domain.idempotency import IdempotencyKey
from {{ cookiecutter.package_name }}.infrastructure.database import migrations
from {{ cookiecutter.package_name }}.infrastructure.database.connections import Connection
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database
from {{ cookiecutter.package_name }}.infrastructure.database.sessions import connect

from ..persistence import NOW
from .conftest import run


@pytest.fixture
async def connection(database_settings: DatabaseSettings) -> AsyncIterator[Connection]:
    """One session."""
    connection = await connect(database_settings)
    yield connection
    await connection.leave()


async def variables(connection: Connection, like: str) -> dict[str, str]:
    """Variables of the session by name."""
    return dict(await connection.fetch(f"SHOW SESSION VARIABLES LIKE '{like}'"))


async def test_sessions_are_strict_in_utc_and_patient_for_a_while(connection: Connection) -> None:
    assert "STRICT_ALL_TABLES" in (await variables(connection, "sql_mode"))["sql_mode"]
    assert await variables(connection, "time_zone") == {"time_zone": "+00:00"}
    assert await variables(connection, "innodb_lock_wait_timeout") == {"innodb_lock_wait_timeout": "2"}
    assert await variables(connection, "lock_wait_timeout") == {"lock_wait_timeout": "2"}
    assert set((await variables(connection, "t%x_isolation")).values()) == {"READ-COMMITTED"}
    limits = await variables(connection, "max_statement_time") | await variables(connection, "max_execution_time")
    assert float(next(iter(limits.values()))) in {5, 5000}


async def test_keys_are_told_apart_to_the_letter(database: Database) -> None:
    for key in ("key", "Key", "key ", "kéy", "k" * 255):
        async with database.begin() as work:
            assert await work.answers.claim(IdempotencyKey(key, b"digest")) is None
            await work.answers.keep(IdempotencyKey(key, b"digest"), key.encode(), NOW)
    async with database.begin() as work:
        assert await work.answers.claim(IdempotencyKey("Key", b"digest")) == b"Key"


async def test_keys_that_differ_in_case_do_not_get_into_each_others_way(database: Database) -> None:
    async with database.begin() as first, database.begin() as second:
        assert await first.answers.claim(IdempotencyKey("key", b"digest")) is None
        assert await second.answers.claim(IdempotencyKey("KEY", b"digest")) is None


def test_every_table_can_take_part_in_transactions(database_url: str) -> None:
    rows = run(database_url, "SELECT engine FROM information_schema.tables WHERE table_schema = DATABASE()")
    assert {engine for (engine,) in rows} == {"InnoDB"}


def test_a_migration_that_failed_half_way_says_so(
    empty_database_settings: DatabaseSettings, empty_database_url: str
) -> None:
    run(empty_database_url, "CREATE TABLE idempotency_keys (already INT)")
    with pytest.raises(OperationalError) as failed:
        migrations.upgrade(empty_database_settings)
    assert any("migration-failed.md" in note for note in failed.value.__notes__)
    assert ("{{ cookiecutter.__entities }}",) in run(empty_database_url, "SHOW TABLES")
    assert not run(empty_database_url, "SELECT version_num FROM alembic_version")
