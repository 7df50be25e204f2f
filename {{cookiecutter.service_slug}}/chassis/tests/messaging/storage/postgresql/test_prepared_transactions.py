"""Transactions that are prepared for a commit in two phases: no watermark passes their messages."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import MetaData

from chassis.database import postgresql
from chassis.database.migrations import Migrations
from chassis.database.postgresql import DatabaseSettings, PostgresDatabase
from chassis.database.postgresql.engine import MigrationTarget
from chassis.messaging.storage.postgresql import MIGRATIONS, PostgresOutbox, statements, watermarks
from tests.messaging.storage.postgresql.replication import single_server
from tests.messaging.storage.postgresql.test_watermarks import HIGHEST, ROWS, drain, insert, publish

PREPARE, COMMIT, ROLLBACK = (
    f"{what} 'late'".encode() for what in ("PREPARE TRANSACTION", "COMMIT PREPARED", "ROLLBACK PREPARED")
)

# Before 13.5 and 14.1 a prepared transaction has no virtual id.
WRITERS_BEFORE_14_1 = statements.WRITERS.replace(
    "array_agg(virtualtransaction)", "array_agg(CASE WHEN pid IS NULL THEN '-1/1' ELSE virtualtransaction END)"
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a server that can prepare transactions, which is off by default; it has the chassis' tables."""
    with single_server(max_prepared_transactions="4") as server:
        target = MigrationTarget(DatabaseSettings(url=SecretStr(server.url)))
        Migrations(target, [postgresql.MIGRATIONS, MIGRATIONS], MetaData()).upgrade()
        yield server.url


@pytest.fixture
async def database(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PostgresDatabase]:
    """The database, directly: a pooler of the run leads to another server. Watermarks advance after few rows."""
    monkeypatch.setattr(watermarks, "ROWS", ROWS)
    monkeypatch.setattr(watermarks, "PAUSE_SECONDS", (0.0, 0.0))
    database = PostgresDatabase(DatabaseSettings(url=SecretStr(url)), "test")
    await database.open()
    yield database
    await database.close()


def end(url: str, how: bytes) -> None:
    """End the prepared transaction, from another session as any client may."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(how)


@pytest.mark.parametrize("writers", [statements.WRITERS, WRITERS_BEFORE_14_1], ids=["as it is", "before 14.1"])
async def test_a_message_of_a_transaction_that_is_prepared_after_it_was_observed_is_not_passed(
    database: PostgresDatabase, url: str, writers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "WRITERS", writers)
    outbox = PostgresOutbox(database)
    with psycopg.connect(url) as client:
        late = insert(client, "late")
        await publish(outbox, database, ROWS)  # the last one makes the watermark due: the relay observes
        client.execute(PREPARE)  # for a server before 14.1, it has another id now
    [(before,)] = await database.fetch(HIGHEST)
    await publish(outbox, database, 5 * ROWS)
    assert await database.fetch(HIGHEST) == [(before,)]
    end(url, COMMIT)
    assert await drain(outbox) == [late]


async def test_watermarks_advance_once_a_prepared_transaction_has_ended(database: PostgresDatabase, url: str) -> None:
    outbox = PostgresOutbox(database)
    with psycopg.connect(url) as client:
        insert(client, "late")
        client.execute(PREPARE)
    [(before,)] = await database.fetch(HIGHEST)
    await publish(outbox, database, 5 * ROWS)
    assert await database.fetch(HIGHEST) == [(before,)]
    end(url, ROLLBACK)
    await publish(outbox, database, 5 * ROWS)
    [(after,)] = await database.fetch(HIGHEST)
    assert after > before
