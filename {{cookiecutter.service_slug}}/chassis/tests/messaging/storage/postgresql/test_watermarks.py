"""Claims pass few deleted rows, however many an open snapshot keeps, and never a row that was still to come."""

import asyncio
import json
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from hypothesis import given, settings
from pydantic import SecretStr

from chassis.database import postgresql
from chassis.database.migrations import Migrations
from chassis.database.postgresql import DatabaseSettings, PostgresDatabase
from chassis.database.postgresql.engine import MigrationTarget
from chassis.messaging.storage.postgresql import MIGRATIONS, PostgresOutbox, statements, watermarks
from chassis.messaging.storage.postgresql.tables import metadata
from chassis.testing.brokers import eventually, eventually_true
from chassis.testing.messaging import new_message
from tests.messaging.storage.postgresql.interleavings import INSERT, STEPS, Interleaving, Step

BATCH, ROWS = 64, 10
READING = {
    "claim lanes": (statements.CLAIM_LANES, (4, [])),
    "read": (statements.READ, (list(range(16)), 10, [])),
    "backlog": (statements.BACKLOG, (1000,)),
}
ADD = "INSERT INTO outbox (lane, id, type, key, body) VALUES (0, $1, 't', 'other', '')"
HIGHEST = "SELECT max(low_watermark) FROM outbox_lanes"
# Runs after the default of the column has taken a position, and before the row and its transaction have ids.
WAIT_BEFORE_INSERT = """
CREATE FUNCTION wait_for_lock() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$;
CREATE TRIGGER wait_for_lock BEFORE INSERT ON outbox FOR EACH ROW WHEN (NEW.key = 'slow')
EXECUTE FUNCTION wait_for_lock();
"""
WAITING = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
DROP_WAIT = "DROP FUNCTION wait_for_lock CASCADE"


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watermarks advance after few rows, and without a pause."""
    monkeypatch.setattr(watermarks, "ROWS", ROWS)
    monkeypatch.setattr(watermarks, "PAUSE_SECONDS", (0.0, 0.0))


@pytest.fixture
def client(url: str, database_settings: DatabaseSettings) -> Iterator[psycopg.Connection[tuple[object, ...]]]:  # noqa: ARG001
    """A client of the empty database, with a transaction that it ends itself."""
    with psycopg.connect(url) as connection:
        yield connection


def insert(connection: psycopg.Connection[tuple[object, ...]], key: str) -> str:
    """Add a message of lane 0, in the open transaction; returns its id."""
    message = new_message(key)
    connection.execute(INSERT, [0, message.id, message.type, key, message.body])
    return message.id


async def publish(outbox: PostgresOutbox, database: PostgresDatabase, count: int) -> None:
    """Enqueue and remove messages of lane 0 one after the other: far more than watermarks wait for."""
    for number in range(count):
        async with database.connection() as connection:
            await connection.execute(ADD, f"other/{number}")
        async with outbox.claim(BATCH) as batch:
            await batch.remove([each.message.id for each in batch.waiting])


async def drain(outbox: PostgresOutbox) -> list[str]:
    """Remove every message; returns their ids."""
    ids: list[str] = []
    while True:
        async with outbox.claim(BATCH) as batch:
            if not batch.waiting:
                return ids
            ids += [each.message.id for each in batch.waiting]
            await batch.remove([each.message.id for each in batch.waiting])


async def is_gone(database: PostgresDatabase, name: str) -> bool:
    """Whether no server process serves this application any more."""
    return not await database.fetch("SELECT FROM pg_stat_activity WHERE application_name = $1", name)


async def pages(database: PostgresDatabase) -> dict[str, int]:
    """Pages that each statement reads."""
    counts: dict[str, int] = {}
    for name, (statement, values) in READING.items():
        async with database.connection() as connection:
            await connection.execute(statements.BEGIN)
            [(plan,)] = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", *values)
            await connection.execute(statements.COMMIT)
        top = json.loads(plan)[0]["Plan"]
        counts[name] = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return counts


async def add_deleted_rows(database: PostgresDatabase, outbox: PostgresOutbox, count: int) -> None:
    """Enqueue and publish messages of all lanes."""
    async with database.begin() as transaction:
        await outbox.enqueue(transaction, [new_message(f"key-{number}") for number in range(count)])
    assert len(await drain(outbox)) == count


async def test_what_a_claim_reads_does_not_grow_with_the_rows_that_a_snapshot_keeps(
    database: PostgresDatabase, another: PostgresDatabase, url: str
) -> None:
    outbox = PostgresOutbox(database)
    with psycopg.connect(url) as dump:
        dump.execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        dump.execute(b"SELECT FROM outbox_lanes")
        await add_deleted_rows(database, outbox, 1_500)
        before = await pages(another)
        await add_deleted_rows(database, outbox, 6_000)
        await add_deleted_rows(database, PostgresOutbox(another), 1_500)  # a relay that has just started
        after = await pages(another)
    for name, count in after.items():
        assert count < max(before[name] * 2, 1_500), f"{name}: {before} {after}"


async def test_a_message_that_commits_late_is_not_passed(
    client: psycopg.Connection[tuple[object, ...]], database: PostgresDatabase
) -> None:
    outbox = PostgresOutbox(database)
    late = insert(client, "late")
    await publish(outbox, database, 5 * ROWS)
    client.commit()
    assert await drain(outbox) == [late]


async def test_a_message_that_has_a_position_and_no_transaction_id_yet_is_not_passed(
    client: psycopg.Connection[tuple[object, ...]], database: PostgresDatabase, url: str
) -> None:
    outbox = PostgresOutbox(database)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(WAIT_BEFORE_INSERT.encode())
        try:
            other.execute(b"SELECT pg_advisory_lock(1)")
            inserting = asyncio.create_task(asyncio.to_thread(insert, client, "slow"))
            await eventually(lambda: bool(other.execute(WAITING.encode()).fetchall()))
            await publish(outbox, database, 5 * ROWS)
            other.execute(b"SELECT pg_advisory_unlock(1)")
            late = await inserting
            client.commit()
            assert await drain(outbox) == [late]
        finally:
            other.execute(DROP_WAIT.encode())


async def test_watermarks_advance_once_older_transactions_have_ended(
    client: psycopg.Connection[tuple[object, ...]], database: PostgresDatabase
) -> None:
    outbox = PostgresOutbox(database)
    [(before,)] = await database.fetch(HIGHEST)
    insert(client, "late")
    await publish(outbox, database, 5 * ROWS)
    assert await database.fetch(HIGHEST) == [(before,)]
    client.rollback()
    await publish(outbox, database, 5 * ROWS)
    [(after,)] = await database.fetch(HIGHEST)
    assert after > before


@pytest.mark.session(reason="the pooler keeps the session, so the server has not gone for the relay that comes back")
async def test_what_was_observed_on_a_server_that_has_gone_advances_nothing(
    database_settings: DatabaseSettings, database: PostgresDatabase
) -> None:
    """A server that took over, or recovered from a crash, may hand out again what the other one had handed out."""
    relay = PostgresDatabase(database_settings, "relay")
    await relay.open()
    outbox = PostgresOutbox(relay)
    [(before,)] = await database.fetch(HIGHEST)
    await publish(outbox, database, ROWS)  # the last one makes the watermark due: the relay observes
    await relay.close()
    await eventually_true(lambda: is_gone(database, "relay"))
    await relay.open()
    await publish(outbox, database, 1)
    assert await database.fetch(HIGHEST) == [(before,)]
    await publish(outbox, database, 1)
    await relay.close()
    [(after,)] = await database.fetch(HIGHEST)
    assert after > before


async def test_a_relay_needs_no_privileges_on_the_sequence(database: PostgresDatabase, url: str) -> None:
    [(before,)] = await database.fetch(HIGHEST)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(b"CREATE ROLE restricted_relay LOGIN")
        owner.execute(b"GRANT SELECT, INSERT, DELETE ON outbox TO restricted_relay")
        owner.execute(b"GRANT SELECT, UPDATE ON outbox_lanes TO restricted_relay")
        try:
            place = urlsplit(url)
            netloc = f"restricted_relay@{place.netloc.rpartition('@')[2]}"
            restricted = PostgresDatabase(
                DatabaseSettings(url=SecretStr(urlunsplit(place._replace(netloc=netloc)))), "test"
            )
            await restricted.open()
            await publish(PostgresOutbox(restricted), restricted, 3 * ROWS)
            await restricted.close()
        finally:
            owner.execute(b"DROP OWNED BY restricted_relay")
            owner.execute(b"DROP ROLE restricted_relay")
    [(after,)] = await database.fetch(HIGHEST)
    assert after > before


async def test_after_a_downgrade_and_an_upgrade_every_message_is_found(
    database: PostgresDatabase, database_settings: DatabaseSettings
) -> None:
    outbox = PostgresOutbox(database)
    await publish(outbox, database, 3 * ROWS)
    assert await database.fetch(HIGHEST) != [(0,)]
    migrations = Migrations(MigrationTarget(database_settings), [postgresql.MIGRATIONS, MIGRATIONS], metadata)
    async with database.begin() as transaction:
        await outbox.enqueue(transaction, [waiting := new_message("waiting")])
    migrations.undo("chassis_messaging_0002")
    migrations.upgrade()
    assert await drain(outbox) == [waiting.id]


def check_interleavings(url: str, examples: int) -> None:
    """No step of any interleaving makes a watermark pass a message, and every committed message is published."""

    @settings(max_examples=examples, deadline=None)
    @given(STEPS)
    def check(steps: list[Step]) -> None:
        asyncio.run(Interleaving(url).run(steps))

    check()
    with psycopg.connect(url) as connection:
        assert connection.execute(HIGHEST.encode()).fetchall() != [(0,)]


@pytest.mark.usefixtures("database_settings")
@pytest.mark.parametrize("examples", [8, pytest.param(1_000, marks=pytest.mark.long)])
def test_no_interleaving_of_writers_and_relays_loses_a_message(
    url: str, examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watermarks, "ROWS", 1)
    check_interleavings(url, examples)
