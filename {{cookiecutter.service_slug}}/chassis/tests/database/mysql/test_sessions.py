"""The settings of every session, whatever the server's own are, and the values of rows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from asyncmy.errors import MySQLError

from chassis.database.mysql import DatabaseSettings, MysqlDatabase, to_time, to_uuid
from chassis.database.mysql.connection import PREPARED_AT_MOST, Connection
from chassis.database.mysql.sessions import connect
from chassis.database.port import IdempotencyKey
from chassis.identity import new_id
from chassis.testing.database import NOW


@pytest.fixture
async def connection(database_settings: DatabaseSettings) -> AsyncIterator[Connection]:
    """One session."""
    connection = await connect(database_settings, "sample")
    yield connection
    await connection.leave()


async def variables(connection: Connection, like: str) -> dict[str, str]:
    """Variables of the session by name."""
    return dict(await connection.fetch(f"SHOW SESSION VARIABLES LIKE '{like}'"))


async def test_sessions_are_strict_in_utc_and_wait_within_limits(connection: Connection) -> None:
    assert "STRICT_ALL_TABLES" in (await variables(connection, "sql_mode"))["sql_mode"]
    assert await variables(connection, "time_zone") == {"time_zone": "+00:00"}
    assert await variables(connection, "innodb_lock_wait_timeout") == {"innodb_lock_wait_timeout": "2"}
    assert await variables(connection, "lock_wait_timeout") == {"lock_wait_timeout": "2"}
    assert set((await variables(connection, "t%_isolation")).values()) == {"READ-COMMITTED"}
    limits = await variables(connection, "max_statement_time") | await variables(connection, "max_execution_time")
    assert float(next(iter(limits.values()))) in {5, 5000}


async def test_statements_beyond_the_limit_are_closed_on_the_server(connection: Connection) -> None:
    await connection.fetch("SELECT 'often'")
    for number in range(PREPARED_AT_MOST + 20):
        assert await connection.fetch(f"SELECT {number}") == ((number,),)
        assert await connection.fetch("SELECT 'often'") == (("often",),)
    counters: dict[str, str] = dict(await connection.fetch("SHOW SESSION STATUS LIKE 'Com_stmt_%'"))
    assert int(counters["Com_stmt_close"]) >= 20
    assert int(counters["Com_stmt_prepare"]) - int(counters["Com_stmt_close"]) <= PREPARED_AT_MOST + 2
    assert int(counters["Com_stmt_prepare"]) <= PREPARED_AT_MOST + 30  # "often" was prepared once


async def test_keys_are_compared_to_the_letter(database: MysqlDatabase) -> None:
    for key in ("key", "Key", "key ", "kéy", "k" * 255):
        async with database.begin() as transaction:
            assert await transaction.idempotency.claim(IdempotencyKey(key, b"digest")) is None
            await transaction.idempotency.save_response(IdempotencyKey(key, b"digest"), key.encode(), NOW)
    async with database.begin() as transaction:
        assert await transaction.idempotency.claim(IdempotencyKey("Key", b"digest")) == b"Key"


async def test_keys_that_differ_in_case_do_not_block_each_other(database: MysqlDatabase) -> None:
    async with database.begin() as first, database.begin() as second:
        assert await first.idempotency.claim(IdempotencyKey("key", b"digest")) is None
        assert await second.idempotency.claim(IdempotencyKey("KEY", b"digest")) is None


async def test_values_come_back_by_type(database: MysqlDatabase) -> None:
    id, zone = new_id(), timezone(timedelta(hours=5, minutes=45))
    at = datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=zone)
    async with database.begin() as transaction:
        await transaction.execute(
            "CREATE TEMPORARY TABLE kinds (id BINARY(16), at DATETIME(6), text TEXT, number BIGINT, bytes BLOB)"
        )
        assert await transaction.execute("INSERT INTO kinds VALUES (?, ?, ?, ?, ?)", id, at, "text", 2**53, b"\0") == 1
        assert await transaction.execute("INSERT INTO kinds VALUES (?, ?, ?, ?, ?)", *[None] * 5) == 1
        rows = await transaction.fetch("SELECT * FROM kinds ORDER BY id")
    assert tuple(rows[0]) == (None,) * 5
    assert (to_uuid(rows[1][0]), to_time(rows[1][1]), *rows[1][2:]) == (id, at, "text", 2**53, b"\0")
    assert to_time(rows[1][1]).tzinfo is UTC


async def test_an_update_counts_the_rows_that_hold_the_values_already(database: MysqlDatabase) -> None:
    async with database.begin() as transaction:
        await transaction.execute("INSERT INTO labels VALUES (?, 'fragile', 1, ?)", new_id(), NOW)
        assert await transaction.execute("UPDATE labels SET text = 'fragile'") == 1


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("INSERT INTO idempotency_keys VALUES (?, 'secret', 'secret', NOW())", "PRIMARY"),
        ("INSERT INTO parcels VALUES (x'00', ?, -1, 'created', 1, NOW(), NOW())", "parcels_quantity"),
        ("INSERT INTO parcels VALUES (x'00', ?, 1, 'secret', 1, NOW(), NOW())", "parcels_status"),
        ("INSERT INTO parcels VALUES (x'00', ?, NULL, 'created', 1, NOW(), NOW())", "quantity"),
        ("INSERT INTO parcels VALUES (x'00', 'A', CONCAT(?, 'x'), 'created', 1, NOW(), NOW())", "value"),
        ("INSERT INTO parcels VALUES (x'00', 'A', 1, 'created', 1, CONCAT(?, 'x'), NOW())", "value"),
        ("INSERT INTO labels VALUES (x'00', REPEAT(?, 999), 1, NOW())", "text"),
    ],
)
async def test_errors_hold_names_but_no_values(database: MysqlDatabase, statement: str, names: str) -> None:
    async with database.begin() as transaction:
        await transaction.idempotency.save_response(IdempotencyKey("secret", b"secret"), b"secret", NOW)
    with pytest.raises(MySQLError) as refused:
        async with database.begin() as transaction:
            await transaction.execute(statement, "secret")
    assert names in str(refused.value)
    assert "secret" not in repr(refused.value)
