"""What callers see while the server is away, and what happens when it comes back."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import NoneType
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection

from chassis.database.mysql import DatabaseSettings, MysqlDatabase
from chassis.database.mysql import database as mysql_database
from chassis.database.mysql.engine import MigrationTarget
from chassis.database.port import DatabaseTransaction
from chassis.database.retries import Retries
from chassis.database.transactions import Transactions
from chassis.domain import NotFound
from chassis.errors import Interrupted, KeyInUse, ReadOnly, Unavailable
from chassis.testing.database import KEY, NOW, add
from chassis.testing.mysql import account, run
from tests.database.mysql.servers import database_of, kill_all, settings_of, waits_for_lock
from tests.sample.domain.parcels import Quantity
from tests.sample.storage.mysql import create_parcels
from tests.support.parcels import new_parcel

LIMITS = {
    "pool_size": 2,
    "connect_timeout_seconds": 1.5,
    "statement_timeout_seconds": 1.5,
    "lock_timeout_seconds": 1.0,
}
COUNT = 20


@asynccontextmanager
async def opened(settings: DatabaseSettings) -> AsyncIterator[MysqlDatabase]:
    """The adapter with short time limits, inside the block."""
    database = database_of(settings.model_copy(update=LIMITS))
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def connect(settings: DatabaseSettings) -> Connection:
    """Another client of the same database."""
    return MigrationTarget(settings).engine().connect()


def unused_port() -> int:
    """Nothing listens on it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


async def reason(settings: DatabaseSettings) -> str:
    """Why a database is unavailable."""
    async with opened(settings) as database:
        with pytest.raises(Unavailable) as unavailable:
            await database.check()
        assert database.usage().in_use == 0
    return unavailable.value.reason


async def test_a_server_that_is_down_cannot_be_reached() -> None:
    url = f"mysql://service:hidden@127.0.0.1:{unused_port()}/name"
    assert await reason(settings_of(url)) == "cannot be reached"


async def test_a_check_that_finds_the_server_read_only_has_the_connections_replaced(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A primary that was demoted may keep its connections, and a process that only reads would stay with it."""
    async with opened(settings_of(database_url)) as database:
        [[first]] = await database.fetch("SELECT CONNECTION_ID()")
        monkeypatch.setattr(mysql_database, "IS_READ_ONLY", f"SELECT CONNECTION_ID() = {first}")
        with pytest.raises(ReadOnly, match="the server is read-only"):
            await database.check()
        await database.check()


async def test_a_server_that_accepts_and_does_not_answer_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql://service:hidden@127.0.0.1:{silent.getsockname()[1]}/name"
        assert await reason(settings_of(url)) == "no answer in time"


@pytest.mark.parametrize(
    ("change", "expected"),
    [({"netloc": "nobody:wrong@{address}"}, "credentials are refused"), ({"path": "/nothing"}, "no such database")],
)
async def test_names_the_mistake_in_the_url(database_url: str, change: dict[str, str], expected: str) -> None:
    url = urlsplit(database_url)
    address = f"{url.hostname}:{url.port or 3306}"
    changed = url._replace(**{name: part.format(address=address) for name, part in change.items()})
    assert await reason(settings_of(urlunsplit(changed))) == expected


async def test_a_password_of_any_characters_works_and_no_error_holds_it(database_url: str) -> None:
    word = f"meadow{uuid4().hex}"
    with account(database_url, f"{word}/@:%{word}'\\") as url:
        async with opened(settings_of(url)) as database:
            await database.check()
        with connect(settings_of(url)) as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        with pytest.raises(Unavailable) as unavailable:
            async with opened(settings_of(url.replace(word, f"not{word}"))) as database:
                await database.check()
    assert unavailable.value.reason == "credentials are refused"
    assert word not in f"{unavailable.value!r} {unavailable.value.__cause__!r}"


async def test_a_missing_or_incomplete_schema_names_the_command(empty_database_url: str, database_url: str) -> None:
    assert await reason(settings_of(empty_database_url)) == "schema is missing: run `migrate`"
    run(database_url, "DELETE FROM alembic_version WHERE version_num LIKE 'chassis%%'")
    assert await reason(settings_of(database_url)) == "schema is incomplete: run `migrate`"


async def test_idle_connections_that_were_killed_are_replaced_unnoticed(
    database: MysqlDatabase, database_url: str
) -> None:
    parcels, stored = create_parcels(database), new_parcel()
    await add(database, parcels, stored)
    await asyncio.gather(*(parcels.find(stored.id) for _ in range(COUNT)))
    await kill_all(database_url)
    assert await asyncio.gather(*(parcels.find(stored.id) for _ in range(COUNT))) == [stored] * COUNT
    await kill_all(database_url)
    await database.check()
    await kill_all(database_url)
    transactions = Transactions(database, Retries())

    async def step(transaction: DatabaseTransaction) -> None:
        await parcels.within(transaction).add(new_parcel())

    await asyncio.gather(*(transactions.run(step) for _ in range(COUNT)))
    assert len(await parcels.page(None, None, 100)) == 1 + COUNT


async def test_a_transaction_that_was_killed_runs_again_and_has_one_effect(
    database: MysqlDatabase, database_url: str
) -> None:
    parcels, stored = create_parcels(database), new_parcel()
    await add(database, parcels, stored)
    attempts = []

    async def step(transaction: DatabaseTransaction) -> None:
        attempts.append(await transaction.idempotency.claim(KEY))
        mine = await parcels.within(transaction).get(stored.id)
        mine.confirm(at=NOW)
        await parcels.within(transaction).save(mine)
        if len(attempts) == 1:
            await kill_all(database_url)
        await transaction.idempotency.save_response(KEY, b"response", NOW)

    await Transactions(database, Retries()).run(step)
    assert attempts == [None, None]
    assert (await parcels.find(stored.id)).version == 2
    async with database.begin() as transaction:
        assert await transaction.idempotency.claim(KEY) == b"response"


async def test_a_deadlock_is_resolved_by_running_again(database: MysqlDatabase) -> None:
    parcels, stored = create_parcels(database), [new_parcel(), new_parcel()]
    await add(database, parcels, *stored)
    retries: list[None] = []
    transactions = Transactions(database, Retries(lambda: retries.append(None)))
    both_began, first_committed = asyncio.Barrier(2), asyncio.Event()

    async def change_both(first: UUID, second: UUID) -> None:
        async def step(transaction: DatabaseTransaction) -> None:
            if retries:  # to read before the other one has committed would rightly end in a conflict
                await first_committed.wait()
            for number, id in enumerate((first, second)):
                mine = await parcels.within(transaction).get(id)
                mine.amend(quantity=Quantity(mine.quantity.value + 1), at=NOW)
                await parcels.within(transaction).save(mine)
                if number == 0 and not retries:
                    await both_began.wait()

        await transactions.run(step)
        first_committed.set()

    outcomes = await asyncio.gather(
        change_both(stored[0].id, stored[1].id),
        change_both(stored[1].id, stored[0].id),
        return_exceptions=True,
    )
    assert len(retries) == 1
    assert [type(outcome) for outcome in outcomes].count(NoneType) == 2
    assert [(await parcels.find(each.id)).version for each in stored] == [3, 3]


async def test_a_transaction_cancelled_during_a_statement_leaves_nothing_behind(
    database: MysqlDatabase, database_settings: DatabaseSettings, database_url: str
) -> None:
    parcels, stored, lost = create_parcels(database), new_parcel(), new_parcel()
    await add(database, parcels, stored)

    async def change() -> None:
        async with database.begin() as transaction:
            await transaction.idempotency.claim(KEY)
            await parcels.within(transaction).add(lost)
            mine = await parcels.within(transaction).get(stored.id)
            mine.confirm(at=NOW)
            await parcels.within(transaction).save(mine)

    with connect(database_settings) as other:
        other.exec_driver_sql("SELECT 1 FROM parcels FOR UPDATE")
        waiting = asyncio.create_task(change())
        async with asyncio.timeout(10):
            while not await waits_for_lock(database_url):
                assert not waiting.done()
        assert waiting.cancel()
        await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert database.usage().in_use == 0
    assert await parcels.find(stored.id) == stored
    with pytest.raises(NotFound):
        await parcels.find(lost.id)
    async with asyncio.timeout(10):
        while not await is_free(database):
            pass


async def is_free(database: MysqlDatabase) -> bool:
    """Whether the key can be claimed: the server notices that the client is gone once the statement has ended."""
    try:
        async with database.begin() as transaction:
            return await transaction.idempotency.claim(KEY) is None
    except KeyInUse:
        return False


async def test_a_locked_row_holds_no_request_past_its_time_limit(database_settings: DatabaseSettings) -> None:
    async with opened(database_settings) as database:
        parcels, stored = create_parcels(database), new_parcel()
        await add(database, parcels, stored)
        with connect(database_settings) as other:
            other.exec_driver_sql("SELECT 1 FROM parcels FOR UPDATE")
            with pytest.raises(Unavailable):
                async with database.begin() as transaction:
                    await parcels.within(transaction).get(stored.id)
        async with database.begin() as transaction:
            assert await parcels.within(transaction).get(stored.id) == stored


async def test_a_full_pool_refuses_in_time(database_settings: DatabaseSettings) -> None:
    async with opened(database_settings) as database:
        parcels, stored = create_parcels(database), new_parcel()
        await add(database, parcels, stored)
        with connect(database_settings) as other:
            other.exec_driver_sql("LOCK TABLES parcels WRITE")
            outcomes = await asyncio.gather(*(parcels.find(stored.id) for _ in range(5)), return_exceptions=True)
        assert {type(each) for each in outcomes} == {Unavailable}
        assert await parcels.find(stored.id) == stored


async def test_the_same_request_on_another_server_of_a_cluster_is_stopped_by_the_key(
    database: MysqlDatabase, database_url: str
) -> None:
    with pytest.raises(Interrupted):
        async with database.begin() as transaction:
            await transaction.idempotency.claim(KEY)
            run(database_url, "INSERT INTO idempotency_keys VALUES ('key-1', '', '', NOW())")
            await transaction.idempotency.save_response(KEY, b"response", NOW)
