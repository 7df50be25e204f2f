"""What only MySQL does for a relay: locks that end with their connection and are no wider than they have to be."""

from collections.abc import AsyncIterator

import pytest

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.database import select_database
from {{ cookiecutter.package_name }}.infrastructure.database.messages import MysqlBatch, create_message_store
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database
from {{ cookiecutter.package_name }}.infrastructure.messaging.store import MessageStore

from ..deliveries import until_true
from ..outboxes import letter, letters, messages_of
from .conftest import run

BATCH = 100
DIGITS = " UNION ALL ".join(f"SELECT {digit} AS digit" for digit in range(10))
FILL = f"""
INSERT INTO outbox (lane, id, type, message_key, body, created_at)
SELECT n MOD 16, n, 'billing.invoice.created', n, REPEAT('x', 500), NOW(6)
FROM (
    SELECT a.digit + 10 * (b.digit + 10 * (c.digit + 10 * d.digit)) AS n
    FROM ({DIGITS}) AS a, ({DIGITS}) AS b, ({DIGITS}) AS c, ({DIGITS}) AS d
) AS numbers
"""  # noqa: S608


@pytest.fixture
def messages(database: Database) -> MessageStore:
    """The relay's process."""
    return create_message_store(database)


@pytest.fixture
async def elsewhere(database_settings: DatabaseSettings) -> AsyncIterator[Database]:
    """The same database, as another process has it."""
    database = select_database(database_settings)
    await database.open()
    yield database
    await database.close()


async def enqueue(database: Database, *keys: str) -> None:
    """Put a message of each key into the outbox."""
    async with database.begin() as work:
        await create_message_store(database).within(work).enqueue([letter(key) for key in keys])


async def has(messages: MessageStore, count: int) -> bool:
    """Whether a relay would get so many now."""
    async with messages.take(100) as batch:
        return len(batch.waiting) == count


async def test_finds_what_another_process_has_added(messages: MessageStore, elsewhere: Database) -> None:
    async with messages.arrivals() as arrivals:
        await enqueue(elsewhere, "one")
        while not await has(messages, 1):
            await arrivals.wait()


async def test_what_a_relay_holds_is_free_when_its_connection_is_cut(
    messages: MessageStore, elsewhere: Database, database_url: str
) -> None:
    await enqueue(elsewhere, "one", "two")
    with pytest.raises(Unavailable):
        async with messages.take(10) as batch:
            assert isinstance(batch, MysqlBatch)
            await batch.remove([batch.waiting[0].message.id])
            [[relay]] = await batch._connection.fetch("SELECT CONNECTION_ID()")
            run(database_url, f"KILL {relay}")
            others = create_message_store(elsewhere)
            await until_true(lambda: has(others, 2))
            await batch.remove([batch.waiting[1].message.id])
    assert await has(messages, 2)


async def test_others_get_lanes_that_a_relay_does_not_hold(database: Database, messages: MessageStore) -> None:
    async with database.begin() as work:
        await messages.within(work).enqueue(letters(200, keys=100))
    async with messages.take(50) as first, messages.take(50) as second:
        keys = [{message.key for message in messages_of(batch.waiting)} for batch in (first, second)]
        assert all(keys)
        assert not keys[0] & keys[1]


async def test_a_relay_and_those_who_add_do_not_wait_for_each_other(
    database: Database, messages: MessageStore, elsewhere: Database
) -> None:
    """The server would lock every row that it reads, whether it is to be removed or not."""
    await enqueue(elsewhere, "one", "two")
    async with database.begin() as work:
        await messages.within(work).enqueue(letters(20, keys=20))
        async with messages.take(10) as batch:
            await batch.remove({each.message.id for each in batch.waiting})
            await enqueue(elsewhere, "one", "two")
    async with messages.take(100) as batch:
        assert batch.waiting
    assert (await messages.backlog(100)).count == 22


async def test_a_batch_costs_what_it_holds_however_much_waits(messages: MessageStore, database_url: str) -> None:
    run(database_url, "ANALYZE TABLE outbox", FILL)
    async with messages.take(BATCH) as batch:
        assert isinstance(batch, MysqlBatch)
        await batch.remove({each.message.id for each in batch.waiting})
        counters = await batch._connection.fetch("SHOW SESSION STATUS LIKE 'Handler_read%'")
    assert len(batch.waiting) == BATCH
    assert sum(int(value) for _, value in counters) < BATCH * 5
