"""What callers see while PostgreSQL is away, and afterwards."""

import asyncio
import socket
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import NoneType
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from psycopg import connect
from pydantic import SecretStr

from chassis.database.port import DatabaseTransaction
from chassis.database.postgresql import DatabaseSettings, PostgresDatabase
from chassis.database.retries import ATTEMPTS, Retries
from chassis.database.transactions import Transactions
from chassis.errors import ReadOnly, Unavailable
from chassis.testing.faults import fault_proxy
from chassis.testing.postgresql import account
from tests.sample.domain.parcels import Quantity
from tests.sample.storage.postgresql import create_parcels
from tests.support.parcels import new_parcel

from .conftest import migrations_of, opened_with, settings_of
from .servers import renew_sessions

IMPATIENT: dict[str, Any] = {"pool_size": 2, "connect_timeout_seconds": 0.5, "statement_timeout_seconds": 0.5}


@asynccontextmanager
async def opened(url: str, **values: Any) -> AsyncIterator[PostgresDatabase]:
    """An impatient database."""
    async with opened_with(settings_of(url, **IMPATIENT | values)) as database:
        yield database


async def test_opens_without_a_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    url = SecretStr(f"postgresql://service:hidden@127.0.0.1:{port}/name")
    async with opened_with(DatabaseSettings(url=url, **IMPATIENT)) as database:
        with pytest.raises(Unavailable, match="cannot be reached") as unavailable:
            await database.check()
    assert "hidden" not in str(unavailable.value)


async def test_reports_a_missing_database_without_the_password(database_url: str) -> None:
    with account(database_url, "meadow") as url:
        async with opened(f"{url}_missing") as database:
            with pytest.raises(Unavailable, match=r"no such database|does not exist") as unavailable:
                await database.check()
        with pytest.raises(Unavailable, match="does not exist") as refused:
            migrations_of(f"{url}_missing").upgrade()
    for raised in (unavailable, refused):
        assert "meadow" not in "".join(traceback.format_exception(raised.value))


async def test_reports_a_missing_schema(empty_database_url: str) -> None:
    async with opened(empty_database_url) as database:
        with pytest.raises(Unavailable, match="schema is missing: run `migrate`"):
            await database.check()


async def test_reports_an_incomplete_schema(database_url: str) -> None:
    with connect(database_url) as connection:
        connection.execute("DELETE FROM alembic_version WHERE version_num = 'chassis_database_0002'")
    async with opened(database_url) as database:
        with pytest.raises(Unavailable, match="schema is incomplete: run `migrate`"):
            await database.check()


async def test_a_query_is_retried_after_its_connection_was_lost(database_url: str) -> None:
    parcel = new_parcel()
    async with opened(database_url) as database:
        async with database.begin() as transaction:
            await create_parcels(database).within(transaction).add(parcel)
        with connect(database_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        for _ in range(3):
            assert await create_parcels(database).find(parcel.id) == parcel


async def test_writes_succeed_again_once_the_server_accepts_changes(database_url: str) -> None:
    async with opened(database_url) as database:
        name = urlsplit(database_url).path.strip("/")
        with connect(database_url, autocommit=True) as other:
            other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            for _ in range(3):
                with pytest.raises(ReadOnly, match="the server is read-only"):
                    async with database.begin() as transaction:
                        await create_parcels(database).within(transaction).add(new_parcel())
            with pytest.raises(ReadOnly, match="the server is read-only"):
                await database.check()
            other.execute("SET default_transaction_read_only = off")
            other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
        renew_sessions()
        async with database.begin() as transaction:
            await create_parcels(database).within(transaction).add(new_parcel())
        await database.check()


async def test_connections_are_replaced_after_their_maximum_age(database_url: str) -> None:
    async with fault_proxy(settings_of(database_url).address, 5432) as proxy:
        settings = settings_of(database_url).model_copy(update={"url": SecretStr(proxy.url)})
        async with opened_with(settings.model_copy(update={"pool_max_age_seconds": 0.1})) as database:
            await database.check()
            await asyncio.sleep(0.1)
            await database.check()
        assert proxy.accepted == 2
        async with opened_with(settings) as database:
            await database.check()
            await database.check()
        assert proxy.accepted == 3


async def test_a_caller_that_goes_away_at_any_moment_leaves_no_transaction_open(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def store(database: PostgresDatabase) -> None:
        async with database.begin() as transaction:
            await create_parcels(database).within(transaction).add(new_parcel())

    async with opened(database_url) as database:
        await store(database)
        for step in range(200):
            storing = asyncio.create_task(store(database))
            await asyncio.sleep(step * 0.00002)
            storing.cancel()
            await asyncio.wait({storing})
        await store(database)
    assert caplog.messages == []


async def test_a_deadlock_is_resolved_by_running_again(database: PostgresDatabase) -> None:
    stored = [new_parcel(), new_parcel()]
    parcels = create_parcels(database)
    async with database.begin() as transaction:
        for each in stored:
            await parcels.within(transaction).add(each)
    retries: list[None] = []
    transactions = Transactions(database, Retries(lambda: retries.append(None)))
    both_began = asyncio.Barrier(2)

    async def amend_both(first: UUID, second: UUID) -> None:
        async def step(transaction: DatabaseTransaction) -> None:
            for number, id in enumerate((first, second)):
                mine = await parcels.within(transaction).get(id)
                mine.amend(quantity=Quantity(mine.quantity.value + 1), at=mine.updated_at)
                await parcels.within(transaction).save(mine)
                if number == 0 and not retries:
                    await both_began.wait()

        await transactions.run(step)

    outcomes = await asyncio.gather(
        amend_both(stored[0].id, stored[1].id),
        amend_both(stored[1].id, stored[0].id),
        return_exceptions=True,
    )
    assert 1 <= len(retries) <= ATTEMPTS  # the one that runs again may meet the other once more
    assert [type(outcome) for outcome in outcomes].count(NoneType) == 2
    assert [(await parcels.find(each.id)).version for each in stored] == [3, 3]


async def test_a_locked_row_blocks_no_caller_past_its_time_limit(database_url: str) -> None:
    parcel = new_parcel()
    async with opened(database_url) as database:
        parcels = create_parcels(database)
        async with database.begin() as transaction:
            await parcels.within(transaction).add(parcel)
        with connect(database_url) as other:
            other.execute("SELECT 1 FROM parcels FOR UPDATE")
            with pytest.raises(Unavailable, match="statement took too long"):
                async with database.begin() as transaction:
                    await parcels.within(transaction).get(parcel.id)
        async with database.begin() as transaction:
            assert await parcels.within(transaction).get(parcel.id) == parcel


async def test_a_full_pool_refuses_in_time(database_url: str) -> None:
    parcel = new_parcel()
    async with opened(database_url) as database:
        parcels = create_parcels(database)
        async with database.begin() as transaction:
            await parcels.within(transaction).add(parcel)
        with connect(database_url) as other:
            other.execute("LOCK TABLE parcels")
            outcomes = await asyncio.gather(*(parcels.find(parcel.id) for _ in range(5)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unavailable}
        assert await parcels.find(parcel.id) == parcel


async def test_purges_more_rows_than_one_step_deletes(database: PostgresDatabase) -> None:
    async with database.begin() as transaction:
        await transaction.execute(
            "INSERT INTO idempotency_keys "
            "SELECT n::text, '', '', timestamptz '2026-01-01' FROM generate_series(1, 2500) n"
        )
        [[before]] = await transaction.fetch("SELECT timestamptz '2026-01-02'")
    assert await database.purge_idempotency_keys(before) == 2500
    assert (database.usage().in_use, database.usage().limit) == (0, 4)
