"""The rights in the documents are enough for a service, and not enough to change its audit log."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

from chassis.database.mysql import MysqlDatabase
from chassis.identity import utc_now
from chassis.testing.mysql import run
from tests.sample.storage.mysql import create_parcels
from tests.support.audit import check_entries_stay, check_service_works, documented_statements

from .servers import database_of, settings_of

PASSWORD = "meadow"  # noqa: S105 - of an account of this test


@pytest.fixture
def account_url(database_url: str) -> Iterator[str]:
    """The database, with an account that has the documented rights only."""
    name = f"test_{uuid4().hex[:16]}"
    place = urlsplit(database_url)
    run(database_url, f"CREATE USER {name} IDENTIFIED BY '{PASSWORD}'")
    try:
        [statement] = documented_statements("mysql.md", name)
        run(database_url, *(str(grant) for [grant] in run(database_url, statement)))
        yield urlunsplit(place._replace(netloc=f"{name}:{PASSWORD}@{place.netloc.rpartition('@')[2]}"))
    finally:
        run(database_url, f"DROP USER {name}")


@pytest.fixture
async def restricted(account_url: str) -> AsyncIterator[MysqlDatabase]:
    """The adapter with this account."""
    opened = database_of(settings_of(account_url))
    await opened.open()
    yield opened
    await opened.close()


async def test_the_service_works_and_the_audit_log_stays(restricted: MysqlDatabase, database: MysqlDatabase) -> None:
    async def change(statement: str) -> None:
        async with restricted.connection() as connection:
            await connection.run(statement)

    await check_service_works(restricted, create_parcels(restricted))
    await check_entries_stay(restricted, change)
    assert await database.purge_audit_entries(utc_now()) == 2
