"""The outbox on MySQL: locks end with their connection and are no wider than necessary."""

import asyncio

import pytest
from pydantic import SecretStr

from chassis.database.mysql import DatabaseSettings, MysqlDatabase, sessions
from chassis.errors import Unavailable
from chassis.messaging.storage.mysql import MysqlMessageStorage, MysqlOutbox
from chassis.messaging.storage.mysql.outbox import MysqlBatch
from chassis.testing.brokers import TIMEOUT_SECONDS, eventually_true
from chassis.testing.faults import fault_proxy
from chassis.testing.messaging import new_message, new_messages
from chassis.testing.messaging.storage import messages_of
from chassis.testing.mysql import DEFAULT_PORT, run

BATCH = 100
SESSION = "SELECT CONNECTION_ID(), @@SESSION.wait_timeout"
DIGITS = " UNION ALL ".join(f"SELECT {digit} AS digit" for digit in range(10))
FILL = f"""
INSERT INTO outbox (lane, id, type, message_key, body, created_at)
SELECT n MOD :lanes, n, 'billing-service.invoice.created', n, REPEAT('x', 500), NOW(6)
FROM (
    SELECT a.digit + 10 * (b.digit + 10 * (c.digit + 10 * d.digit)) AS n
    FROM ({DIGITS}) AS a, ({DIGITS}) AS b, ({DIGITS}) AS c, ({DIGITS}) AS d
) AS numbers
"""  # noqa: S608


@pytest.fixture
def outbox(storage: MysqlMessageStorage) -> MysqlOutbox:
    """The outbox in the relay's process."""
    return storage.outbox


async def enqueue(database: MysqlDatabase, *keys: str) -> None:
    """Enqueue a message of each key."""
    async with database.begin() as transaction:
        await MysqlOutbox(database).enqueue(transaction, [new_message(key) for key in keys])


async def has(outbox: MysqlOutbox, count: int) -> bool:
    """Whether a relay could claim this many messages now."""
    async with outbox.claim(100) as batch:
        return len(batch.waiting) == count


async def test_polling_finds_messages_of_another_process(outbox: MysqlOutbox, another: MysqlDatabase) -> None:
    async with outbox.listening() as listener, asyncio.timeout(TIMEOUT_SECONDS):
        await enqueue(another, "one")
        while not await has(outbox, 1):
            await listener.wait()


async def test_a_claim_is_free_when_its_connection_is_cut(
    outbox: MysqlOutbox, another: MysqlDatabase, url: str
) -> None:
    await enqueue(another, "one", "two")
    with pytest.raises(Unavailable):
        async with outbox.claim(10) as batch:
            assert isinstance(batch, MysqlBatch)
            await batch.remove([batch.waiting[0].message.id])
            [[relay]] = await batch._connection.fetch("SELECT CONNECTION_ID()")
            run(url, f"KILL {relay}")
            await eventually_true(lambda: has(MysqlOutbox(another), 2))
            await batch.remove([batch.waiting[1].message.id])
    assert await has(outbox, 2)


async def test_lanes_of_a_host_that_vanished_are_free_after_seconds(
    database_settings: DatabaseSettings, another: MysqlDatabase, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "IDLE_SECONDS", 1)
    await enqueue(another, "one")
    are_free = False
    async with fault_proxy(url, DEFAULT_PORT) as proxy:
        behind = MysqlDatabase(database_settings.model_copy(update={"url": SecretStr(proxy.url)}), "test")
        await behind.open()
        with pytest.raises(Unavailable):
            async with MysqlOutbox(behind).claim(10) as batch:
                assert len(batch.waiting) == 1
                proxy.black_hole()
                await eventually_true(lambda: has(MysqlOutbox(another), 1))
                are_free = True  # had the wait failed, the claim would have reported its error as an outage
                proxy.cut()
        assert are_free
        proxy.restore()
        await behind.close()


async def test_a_relay_keeps_its_session_between_batches(database: MysqlDatabase, outbox: MysqlOutbox) -> None:
    async with database.connection() as connection:
        before = await connection.fetch(SESSION)
    async with outbox.claim(10):
        pass
    async with database.connection() as connection:
        assert await connection.fetch(SESSION) == before


async def test_relays_claim_different_lanes(database: MysqlDatabase, outbox: MysqlOutbox) -> None:
    async with database.begin() as transaction:
        await outbox.enqueue(transaction, new_messages(200, keys=100))
    async with outbox.claim(50) as first, outbox.claim(50) as second:
        keys = [{message.key for message in messages_of(batch.waiting)} for batch in (first, second)]
        assert all(keys)
        assert not keys[0] & keys[1]


async def test_relays_and_writers_do_not_wait_for_each_other(
    database: MysqlDatabase, outbox: MysqlOutbox, another: MysqlDatabase
) -> None:
    """The server would lock every row that it reads, including rows that stay."""
    await enqueue(another, "one", "two")
    async with database.begin() as transaction:
        await outbox.enqueue(transaction, new_messages(20, keys=20))
        async with outbox.claim(10) as batch:
            await batch.remove({each.message.id for each in batch.waiting})
            await enqueue(another, "one", "two")
    async with outbox.claim(100) as batch:
        assert batch.waiting
    assert (await outbox.backlog(100)).count == 22


@pytest.mark.parametrize("lanes", [1, 16])
async def test_a_batch_costs_what_it_holds_however_long_the_backlog(outbox: MysqlOutbox, url: str, lanes: int) -> None:
    run(url, "ANALYZE TABLE outbox", FILL.replace(":lanes", str(lanes)))
    async with outbox.claim(BATCH) as batch:
        assert isinstance(batch, MysqlBatch)
        await batch.remove({each.message.id for each in batch.waiting})
        counters = await batch._connection.fetch("SHOW SESSION STATUS LIKE 'Handler_read%'")
    assert len(batch.waiting) == BATCH
    # MySQL reads a row three times to delete it.
    assert sum(int(value) for _, value in counters) < BATCH * 6
