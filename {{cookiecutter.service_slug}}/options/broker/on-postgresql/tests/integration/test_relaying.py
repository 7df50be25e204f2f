"""What only PostgreSQL does for a relay: notifications, locks that end with their connection, plans that stay good."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from time import monotonic

import psycopg
import pytest

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.database import select_database
from {{ cookiecutter.package_name }}.infrastructure.database.arrivals import (
    LISTENING_SECONDS,
    PostgresArrivals,
)
from {{ cookiecutter.package_name }}.infrastructure.database.messages import (
    PostgresMessageStore,
    create_message_store,
)
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database
from {{ cookiecutter.package_name }}.infrastructure.identity import utc_now
from {{ cookiecutter.package_name }}.infrastructure.messaging.in_process import InProcessBroker
from {{ cookiecutter.package_name }}.infrastructure.messaging.metrics import RelayMetrics
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Message
from {{ cookiecutter.package_name }}.infrastructure.messaging.relay import Relay
from {{ cookiecutter.package_name }}.infrastructure.messaging.store import MessageStore
from {{ cookiecutter.package_name }}.infrastructure.telemetry.metrics import create_registry

from ..deliveries import until, until_true
from ..outboxes import letter, letters, messages_of

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
FILL = """
INSERT INTO outbox (lane, id, type, key, body)
SELECT n % 16, n, 'billing.invoice.created', n % 1000, repeat('x', 500)::bytea
FROM generate_series(1, 50000) AS n
"""


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


class Taking(InProcessBroker):
    """Takes every event."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Take all."""
        self.keys += [message.key for message in messages]
        return [message.id for message in messages]


async def enqueue(database: Database, *keys: str) -> None:
    """Put a message of each key into the outbox."""
    async with database.begin() as work:
        await create_message_store(database).within(work).enqueue([letter(key) for key in keys])


async def waits(messages: MessageStore) -> list[str]:
    """Keys of what a relay would get now."""
    async with messages.take(100) as batch:
        return [message.key for message in messages_of(batch.waiting)]


async def has(messages: MessageStore, count: int) -> bool:
    """Whether a relay would get so many now."""
    return len(await waits(messages)) == count


async def test_hears_at_once_of_what_another_process_has_added(messages: MessageStore, elsewhere: Database) -> None:
    async with messages.arrivals() as arrivals:
        assert isinstance(arrivals, PostgresArrivals)
        await until(lambda: arrivals.listens)
        await arrivals.wait()
        for key in ("first", "second"):
            await enqueue(elsewhere, key)
            committed = monotonic()
            await arrivals.wait()
            assert monotonic() - committed < LISTENING_SECONDS / 4
        assert await waits(messages) == ["first", "second"]


async def test_hears_again_after_its_connection_was_cut(
    messages: MessageStore, elsewhere: Database, database_url: str
) -> None:
    async with messages.arrivals() as arrivals:
        assert isinstance(arrivals, PostgresArrivals)
        await until(lambda: arrivals.listens)
        await arrivals.wait()
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute(f"{CUT} query LIKE 'LISTEN%'".encode())
        await until(lambda: not arrivals.listens)
        await enqueue(elsewhere, "while nobody heard")
        await until(lambda: arrivals.listens)
        async with asyncio.timeout(LISTENING_SECONDS / 4):
            await arrivals.wait()
        assert await waits(messages) == ["while nobody heard"]


async def test_a_pool_of_one_is_enough_to_publish_at_once(
    database_settings: DatabaseSettings, elsewhere: Database
) -> None:
    database = select_database(database_settings.model_copy(update={"pool_size": 1}))
    await database.open()
    messages, broker = create_message_store(database), Taking()
    relay = Relay(messages, broker, RelayMetrics(create_registry()), 500, utc_now)
    relaying = asyncio.create_task(relay.run())
    try:
        await enqueue(elsewhere, "before")
        await until(lambda: "before" in broker.keys)
        async with asyncio.timeout(1):
            await enqueue(elsewhere, "after")
            await until(lambda: "after" in broker.keys)
    finally:
        relay.stop()
        await relaying
        await database.close()


async def test_what_a_relay_holds_is_free_when_its_connection_is_cut(
    messages: MessageStore, elsewhere: Database, database_url: str
) -> None:
    await enqueue(elsewhere, "one", "two")
    with pytest.raises(Unavailable):
        async with messages.take(10) as batch:
            await batch.remove([batch.waiting[0].message.id])
            with psycopg.connect(database_url, autocommit=True) as other:
                other.execute(f"{CUT} state = 'idle in transaction'".encode())
            others = create_message_store(elsewhere)
            await until_true(lambda: has(others, 2))
            await batch.remove([batch.waiting[1].message.id])
    assert sorted(await waits(messages)) == ["one", "two"]


async def test_a_relay_that_is_interrupted_in_a_statement_lets_go(
    messages: MessageStore, elsewhere: Database, database_url: str
) -> None:
    await enqueue(elsewhere, "one")
    with psycopg.connect(database_url) as other:
        other.execute(b"LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
        taking = asyncio.create_task(waits(messages))
        await until(lambda: bool(other.execute(b"SELECT FROM pg_locks WHERE NOT granted").fetchall()))
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
    assert await waits(messages) == ["one"]


async def test_others_get_lanes_that_a_relay_does_not_hold(database: Database, messages: MessageStore) -> None:
    async with database.begin() as work:
        await messages.within(work).enqueue(letters(200, keys=100))
    async with messages.take(50) as first, messages.take(50) as second:
        keys = [{message.key for message in messages_of(batch.waiting)} for batch in (first, second)]
        assert all(keys)
        assert not keys[0] & keys[1]


async def test_plans_made_for_an_empty_outbox_are_good_for_a_backlog(
    messages: MessageStore, database_settings: DatabaseSettings
) -> None:
    """The server would read all of the table, 16 times over, until it is analyzed for the next time."""
    assert isinstance(messages, PostgresMessageStore)
    with psycopg.connect(database_settings.address, autocommit=True) as other:
        other.execute(b"VACUUM ANALYZE outbox")
        for _ in range(10):
            assert await waits(messages) == []
            await messages.backlog(1)
        other.execute(FILL.encode())
    async with messages.take(100) as batch:
        await batch.remove([each.message.id for each in batch.waiting[:50]])
        [[scans]] = await batch._connection.fetch(
            "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'outbox'"
        )
    assert scans == 0
