"""Messages behind PgBouncer in transaction mode: the relay listens to the server itself, or polls."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import psycopg
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from chassis.database.postgresql import DatabaseSettings, PostgresDatabase
from chassis.database.retries import Retries
from chassis.database.transactions import Transactions
from chassis.identity import new_id, utc_now
from chassis.messaging.brokers.in_process import InProcessBroker
from chassis.messaging.history import history_handlers
from chassis.messaging.outbox import OutboxMetrics, Relay
from chassis.messaging.port import Message
from chassis.messaging.settings import ConsumerSettings, OutboxSettings
from chassis.messaging.storage.postgresql import PostgresMessageStorage
from chassis.messaging.storage.postgresql.listener import PostgresOutboxListener
from chassis.messaging.worker import create_worker
from chassis.testing.brokers import eventually, eventually_true
from chassis.testing.messaging import new_messages, relaying
from chassis.testing.messaging.relays import FailingBroker
from chassis.testing.postgresql.pgbouncer import PgBouncer, pgbouncer
from tests.database.postgresql.servers import pooled, pooler
from tests.database.postgresql.test_pooler import session_state
from tests.messaging.inbox.deliveries import CHANNEL, CONSUMER, delivery_of
from tests.sample.messaging.contracts import CATALOG
from tests.support import servers
from tests.support.logs import logged

from .conftest import EMPTY

COUNT = 200


@pytest.fixture
def empty_url(url: str) -> str:
    """The URL of the database, emptied."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(EMPTY.encode())
    return url


@contextmanager
def of_one_connection() -> Iterator[PgBouncer]:
    """A pooler that keeps one connection: all clients share its session."""
    pooler()  # skips the test where there is none
    with pgbouncer(servers.url("postgresql"), pool_size=1) as started:
        yield started


@asynccontextmanager
async def opened(settings: DatabaseSettings) -> AsyncIterator[PostgresDatabase]:
    """The adapter."""
    database = PostgresDatabase(settings, "test")
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def test_events_reach_the_history_through_a_pooler(empty_url: str) -> None:
    broker, registry = InProcessBroker(), CollectorRegistry()
    async with opened(pooled(empty_url)) as database:
        storage = PostgresMessageStorage(database)
        worker = create_worker(
            outbox=OutboxSettings(),
            consumer=ConsumerSettings(concurrency=8),
            broker=broker,
            storage=storage,
            subscriptions={CONSUMER: history_handlers(CATALOG, storage.history)},
            transactions=Transactions(database, Retries()),
            check=database.check,
            outbox_metrics=OutboxMetrics(registry),
            registry=registry,
        )
        ids = [new_id() for _ in range(COUNT)]
        async with worker.running(grace_seconds=10):
            async with database.begin() as transaction:
                await storage.outbox.enqueue(
                    transaction,
                    [Message(str(id), f"{CHANNEL}.created", str(id), delivery_of(id, 1).body) for id in ids],
                )

            async def is_recorded() -> bool:
                [[count]] = await database.fetch("SELECT count(*) FROM history")
                return bool(count == COUNT)

            await eventually_true(is_recorded)
    outcomes = {"consumer": CONSUMER, "outcome": "applied"}
    assert registry.get_sample_value("consumer_messages_total", outcomes) == COUNT


async def test_a_listener_connects_to_the_server_itself(empty_url: str) -> None:
    async with opened(pooled(empty_url)) as database:
        storage = PostgresMessageStorage(database)
        async with storage.outbox.listening() as listener:
            assert isinstance(listener, PostgresOutboxListener)
            await eventually(lambda: listener.is_connected)


async def test_a_relay_polls_where_only_the_pooler_is_known_and_leaves_no_state_in_its_session(empty_url: str) -> None:
    broker = FailingBroker()
    with of_one_connection() as one:
        settings = DatabaseSettings(url=SecretStr(one.url_of(empty_url)), pooler="transaction")
        async with opened(settings) as database:
            storage = PostgresMessageStorage(database)
            relay = Relay(storage.outbox, broker, OutboxMetrics(CollectorRegistry()), 500, utc_now)
            with logged() as lines:
                async with relaying(relay):
                    for count, message in enumerate(new_messages(2), start=1):
                        async with database.begin() as transaction:
                            await storage.outbox.enqueue(transaction, [message])
                        await eventually(partial(_has_published, broker, count))
            assert await session_state(database) == []
    events = [(each["event"], each.get("reason")) for each in lines]
    assert events == [("outbox listener off; polling", "DATABASE_DIRECT_URL is not set")]


def _has_published(broker: FailingBroker, count: int) -> bool:
    return len(broker.published) == count
