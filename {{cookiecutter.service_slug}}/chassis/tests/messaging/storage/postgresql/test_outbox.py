"""The outbox on PostgreSQL: notifications, locks that end with their connection, plans that stay good."""

import asyncio
from collections.abc import Collection, Sequence
from time import monotonic

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from chassis.database.postgresql import DatabaseSettings, PostgresDatabase
from chassis.errors import Unavailable
from chassis.identity import utc_now
from chassis.messaging.brokers.in_process import InProcessBroker
from chassis.messaging.outbox import OutboxMetrics, Relay
from chassis.messaging.port import Message
from chassis.messaging.storage.postgresql import PostgresMessageStorage, PostgresOutbox
from chassis.messaging.storage.postgresql.listener import LISTENING_SECONDS, PostgresOutboxListener
from chassis.testing.brokers import eventually, eventually_true
from chassis.testing.messaging import new_message, new_messages, relaying

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
FILL = """
INSERT INTO outbox (lane, id, type, key, body)
SELECT n % 16, n, 'billing-service.invoice.created', n % 1000, repeat('x', 500)::bytea
FROM generate_series(1, 50000) AS n
"""


@pytest.fixture
def outbox(storage: PostgresMessageStorage) -> PostgresOutbox:
    """The outbox in the relay's process."""
    return storage.outbox


class AcceptingBroker(InProcessBroker):
    """Confirms every message."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        """Record the keys."""
        self.keys += [message.key for message in messages]
        return [message.id for message in messages]


async def enqueue(database: PostgresDatabase, *keys: str) -> None:
    """Enqueue a message of each key."""
    async with database.begin() as transaction:
        await PostgresOutbox(database).enqueue(transaction, [new_message(key) for key in keys])


async def claimable(outbox: PostgresOutbox) -> list[str]:
    """Keys of the messages that a relay could claim now."""
    async with outbox.claim(100) as batch:
        return [each.message.key for each in batch.waiting]


async def has(outbox: PostgresOutbox, count: int) -> bool:
    """Whether a relay could claim this many messages now."""
    return len(await claimable(outbox)) == count


async def test_a_listener_is_notified_of_messages_of_another_process(
    outbox: PostgresOutbox, another: PostgresDatabase
) -> None:
    async with outbox.listening() as listener:
        assert isinstance(listener, PostgresOutboxListener)
        await eventually(lambda: listener.is_connected)
        await listener.wait()
        for key in ("first", "second"):
            await enqueue(another, key)
            committed = monotonic()
            await listener.wait()
            assert monotonic() - committed < LISTENING_SECONDS / 4
        assert await claimable(outbox) == ["first", "second"]


async def test_a_listener_reconnects_after_its_connection_was_cut(
    outbox: PostgresOutbox, another: PostgresDatabase, url: str
) -> None:
    async with outbox.listening() as listener:
        assert isinstance(listener, PostgresOutboxListener)
        await eventually(lambda: listener.is_connected)
        await listener.wait()
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(f"{CUT} query LIKE 'LISTEN%'".encode())
        await eventually(lambda: not listener.is_connected)
        await enqueue(another, "while disconnected")
        await eventually(lambda: listener.is_connected)
        async with asyncio.timeout(LISTENING_SECONDS / 4):
            await listener.wait()
        assert await claimable(outbox) == ["while disconnected"]


async def test_a_pool_of_one_is_enough_to_publish_at_once(
    database_settings: DatabaseSettings, another: PostgresDatabase
) -> None:
    database = PostgresDatabase(database_settings.model_copy(update={"pool_size": 1}), "test")
    await database.open()
    broker = AcceptingBroker()
    relay = Relay(PostgresOutbox(database), broker, OutboxMetrics(CollectorRegistry()), 500, utc_now)
    try:
        async with relaying(relay):
            await enqueue(another, "before")
            await eventually(lambda: "before" in broker.keys)
            async with asyncio.timeout(1):
                await enqueue(another, "after")
                await eventually(lambda: "after" in broker.keys)
    finally:
        await database.close()


async def test_a_claim_is_free_when_its_connection_is_cut(
    outbox: PostgresOutbox, another: PostgresDatabase, url: str
) -> None:
    await enqueue(another, "one", "two")
    with pytest.raises(Unavailable):
        async with outbox.claim(10) as batch:
            await batch.remove([batch.waiting[0].message.id])
            with psycopg.connect(url, autocommit=True) as other:
                other.execute(f"{CUT} state = 'idle in transaction'".encode())
            await eventually_true(lambda: has(PostgresOutbox(another), 2))
            await batch.remove([batch.waiting[1].message.id])
    assert sorted(await claimable(outbox)) == ["one", "two"]


async def test_a_relay_cancelled_during_a_statement_frees_its_connection(
    outbox: PostgresOutbox, another: PostgresDatabase, url: str
) -> None:
    await enqueue(another, "one")
    with psycopg.connect(url) as other:
        other.execute(b"LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
        claiming = asyncio.create_task(claimable(outbox))
        await eventually(lambda: bool(other.execute(b"SELECT FROM pg_locks WHERE NOT granted").fetchall()))
        claiming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await claiming
    assert await claimable(outbox) == ["one"]


async def test_messages_are_found_in_whatever_order_their_transactions_commit(
    database: PostgresDatabase, outbox: PostgresOutbox, another: PostgresDatabase
) -> None:
    async with database.begin() as first:
        await outbox.enqueue(first, [new_message("first")])
        await enqueue(another, "second")
        async with outbox.claim(10) as batch:  # the later message, as the earlier one is not committed yet
            assert [each.message.key for each in batch.waiting] == ["second"]
            await batch.remove({each.message.id for each in batch.waiting})
    async with outbox.claim(10) as batch:
        assert [each.message.key for each in batch.waiting] == ["first"]


async def test_relays_claim_different_lanes(database: PostgresDatabase, outbox: PostgresOutbox) -> None:
    async with database.begin() as transaction:
        await outbox.enqueue(transaction, new_messages(200, keys=100))
    async with outbox.claim(50) as first, outbox.claim(50) as second:
        keys = [{each.message.key for each in batch.waiting} for batch in (first, second)]
        assert all(keys)
        assert not keys[0] & keys[1]


async def test_plans_made_for_an_empty_outbox_are_good_for_a_backlog(outbox: PostgresOutbox, url: str) -> None:
    """Without the settings in BEGIN, the server would scan the table 16 times until it is analyzed again."""
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(b"VACUUM ANALYZE outbox")
        for _ in range(10):
            assert await claimable(outbox) == []
            await outbox.backlog(1)
        other.execute(FILL.encode())
    async with outbox.claim(100) as batch:
        await batch.remove([each.message.id for each in batch.waiting[:50]])
        [[scans]] = await batch._connection.fetch(
            "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'outbox'"
        )
    assert scans == 0
