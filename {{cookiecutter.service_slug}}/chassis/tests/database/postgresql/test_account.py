"""The rights in the documents are enough for a service, and not enough to change its audit log."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest

from chassis.database.postgresql import PostgresDatabase
from chassis.identity import utc_now
from tests.sample.storage.postgresql import create_parcels
from tests.support.audit import check_entries_stay, check_service_works, documented_statements

from .conftest import opened_with, settings_of

NEEDS_ACCOUNT = pytest.mark.session(reason="the pooler of the tests logs in with an account of its own")
PASSWORD = "meadow"  # noqa: S105 - of an account of this test


@pytest.fixture
def account_url(database_url: str) -> Iterator[str]:
    """The database, with an account that has the documented rights only."""
    name = f"test_{uuid4().hex}"
    place = urlsplit(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'".encode())
        try:
            for statement in documented_statements("postgresql.md", name):
                connection.execute(statement.encode())
            yield urlunsplit(place._replace(netloc=f"{name}:{PASSWORD}@{place.netloc.rpartition('@')[2]}"))
        finally:
            connection.execute(f"DROP OWNED BY {name}".encode())
            connection.execute(f"DROP ROLE {name}".encode())


@pytest.fixture
async def restricted(account_url: str) -> AsyncIterator[PostgresDatabase]:
    """The adapter with this account."""
    async with opened_with(settings_of(account_url)) as opened:
        yield opened


@NEEDS_ACCOUNT
async def test_the_service_works_and_the_audit_log_stays(
    restricted: PostgresDatabase, database: PostgresDatabase
) -> None:
    async def change(statement: str) -> None:
        async with restricted.begin() as transaction:
            await transaction.execute(statement)

    await check_service_works(restricted, create_parcels(restricted))
    await check_entries_stay(restricted, change)
    assert await database.purge_audit_entries(utc_now()) == 2


@NEEDS_ACCOUNT
async def test_later_tables_follow_by_themselves(restricted: PostgresDatabase, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE later (id integer)")
    async with restricted.begin() as transaction:
        assert await transaction.execute("INSERT INTO later VALUES (1)") == 1
