"""Behind PgBouncer in transaction mode: every limit applies, nothing stays in a session, a wrong setting is named."""

import asyncio
import os
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest
from psycopg import connect
from pydantic import SecretStr

from chassis.database.port import Database, IdempotencyKey
from chassis.database.postgresql import DatabaseSettings, PostgresDatabase
from chassis.domain import Store
from chassis.errors import Unavailable
from chassis.testing.database import IdempotencyConformance
from chassis.testing.postgresql.pgbouncer import pgbouncer
from tests.sample.domain.parcels import Parcel
from tests.sample.storage.postgresql import create_parcels
from tests.support import servers
from tests.support.faults import create
from tests.support.parcels import ParcelConformance

from .conftest import REVISIONS, migrations_with, opened_with
from .servers import SWITCH, pooled, pooler

BURST = 150
LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
SHOW_LIMITS = "SELECT " + ", ".join(f"current_setting('{name}')" for name in LIMITS)
KEPT_BY_THE_POOLER = ("application_name", "client_encoding")  # it sets them for each client
EXPECTED = ["2500ms", "700ms", "5s"]
ROOT = Path(__file__).parents[3]
SUITES = ("tests/database/postgresql", "tests/messaging/storage/postgresql")


@pytest.fixture
def closed_database(database_url: str) -> PostgresDatabase:
    """The adapter behind the pooler, not opened."""
    return PostgresDatabase(pooled(database_url), "chassis-tests", revisions=REVISIONS)


class TestParcels(ParcelConformance):
    """A repository behind the pooler."""

    def store(self, database: Database) -> Store[Parcel]:
        """The adapter."""
        assert isinstance(database, PostgresDatabase)
        return create_parcels(database)

    @pytest.mark.long
    def test_matches_a_model_in_random_histories(self, closed_database: Database) -> None:
        """Many transactions, one after the other."""
        super().test_matches_a_model_in_random_histories(closed_database)


class TestIdempotency(IdempotencyConformance):
    """Idempotency keys behind the pooler."""


async def test_a_burst_of_creations_meets_no_error(database_url: str) -> None:
    """More clients than the pooler has connections, so that each statement may meet another session."""
    async with opened_with(pooled(database_url, pool_size=40, connect_timeout_seconds=30)) as database:
        parcels = create_parcels(database)
        stored = await asyncio.gather(*(create(database, parcels) for _ in range(BURST)))
        found = await asyncio.gather(*(parcels.find(each.id) for each in stored))
    assert found == stored


async def test_every_transaction_has_its_limits(database_url: str) -> None:
    settings = pooled(database_url, statement_timeout_seconds=2.5, lock_timeout_seconds=0.7)
    async with opened_with(settings) as database:
        async with database.begin() as transaction:
            [within] = await transaction.fetch(SHOW_LIMITS)
        [alone] = await database.fetch(SHOW_LIMITS)
        async with database.connection() as connection:
            [by_hand] = await connection.fetch(SHOW_LIMITS)
    assert [list(within), list(alone), list(by_hand)] == [EXPECTED] * 3


async def test_the_server_cancels_a_statement_that_takes_too_long(database_url: str) -> None:
    async with opened_with(pooled(database_url, statement_timeout_seconds=0.3)) as database:
        with pytest.raises(Unavailable, match="statement took too long"):
            await database.fetch("SELECT pg_sleep(60)")
        with pytest.raises(Unavailable, match="statement took too long"):
            async with database.begin() as transaction:
                await transaction.fetch("SELECT pg_sleep(60)")


async def test_the_server_ends_waiting_for_a_lock(database_url: str) -> None:
    async with opened_with(pooled(database_url, lock_timeout_seconds=0.2)) as database:
        with connect(database_url) as other:
            other.execute("LOCK TABLE parcels")
            with pytest.raises(Unavailable, match="a lock was not available in time"):
                await database.fetch("SELECT 1 FROM parcels")


async def test_the_server_ends_a_transaction_whose_process_is_silent(database_url: str) -> None:
    async with opened_with(pooled(database_url, statement_timeout_seconds=1)) as database:
        with pytest.raises(Unavailable):
            async with database.begin() as transaction:
                await transaction.fetch("LOCK TABLE parcels")
                await asyncio.to_thread(_lock_soon, database_url)
                await transaction.fetch("SELECT 1")
        await database.check()


def _lock_soon(database_url: str) -> None:
    with connect(database_url, options="-c lock_timeout=20s") as other:
        other.execute("LOCK TABLE parcels")


async def test_a_setting_that_is_missing_is_named_with_the_sentence_of_the_pooler(database_url: str) -> None:
    through = pooler().url_of(database_url)
    settings = DatabaseSettings(url=SecretStr(through))
    refused = "unsupported startup parameter: .* DATABASE_POOLER=transaction, and DATABASE_DIRECT_URL"
    async with opened_with(settings) as database:
        with pytest.raises(Unavailable, match=refused) as raised:
            await database.check()
    with pytest.raises(Unavailable, match=refused) as not_migrated:
        migrations_with(settings).upgrade()
    for each in (raised, not_migrated):
        assert pooler().password not in "".join(traceback.format_exception(each.value))


async def test_no_state_is_left_in_a_session(database_url: str) -> None:
    key = IdempotencyKey("a key", b"digest")
    with pgbouncer(servers.url("postgresql"), pool_size=1) as one:
        settings = DatabaseSettings(url=SecretStr(one.url_of(database_url)), pooler="transaction")
        async with opened_with(settings) as database:
            await create(database, create_parcels(database))
            async with database.begin() as transaction:
                await transaction.idempotency.claim(key)
                await transaction.idempotency.save_response(key, b"", datetime(2026, 1, 31, tzinfo=UTC))
            await database.check()
            assert await session_state(database) == []


async def session_state(database: PostgresDatabase) -> list[str]:
    """What a session has that a new one has not; with one connection of the pooler, all clients share it."""
    rows = await database.fetch(
        """
        SELECT name || '=' || setting FROM pg_settings
        WHERE source = 'session' AND setting <> reset_val AND name <> ALL($1::text[])
        UNION ALL SELECT statement FROM pg_prepared_statements
        UNION ALL SELECT 'lock ' || objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
        UNION ALL SELECT pg_listening_channels()
        """,
        (*LIMITS, *KEPT_BY_THE_POOLER),
    )
    return [str(row[0]) for row in rows]


def test_migrations_need_the_address_of_the_server(database_url: str) -> None:
    settings = DatabaseSettings(url=SecretStr(database_url), pooler="transaction")
    with pytest.raises(Unavailable, match="DATABASE_DIRECT_URL must be set"):
        migrations_with(settings).upgrade()


@pytest.mark.long
@pytest.mark.session(reason="it is what runs the others through the pooler")
def test_the_suites_pass_through_the_pooler() -> None:
    """Whatever PostgreSQL's adapters are tested for, they also do behind a pooler.

    Their long tests stay out: with servers and connections of their own, they would run as they do without a pooler.
    """
    pooler()
    tests = [each for each in SUITES if (ROOT / each).is_dir()]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rfEs", "-m", "not long", *tests],
        cwd=ROOT,
        env={**os.environ, SWITCH: "transaction"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
