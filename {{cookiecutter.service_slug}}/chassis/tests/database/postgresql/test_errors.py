"""Errors of PostgreSQL name the mistake and hold no value of a row: tracebacks are logged."""

import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from psycopg import connect

from chassis.database.migrations import Migrations
from chassis.database.postgresql import MIGRATIONS, PostgresDatabase, PostgresTransaction
from chassis.database.postgresql.engine import MigrationTarget
from chassis.database.postgresql.errors import unavailable_errors
from chassis.database.revisions import Branch
from chassis.errors import Unavailable
from tests.sample.storage.postgresql import tables

from .conftest import SAMPLE, settings_of

NAME = "of-a-client"
INSERT = """
INSERT INTO parcels (id, reference, quantity, status, version, created_at, updated_at)
VALUES ('019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01', $1, $2, $3, 1, now(), now())
"""


@asynccontextmanager
async def transaction(database: PostgresDatabase) -> AsyncIterator[PostgresTransaction]:
    """A transaction."""
    async with database.begin() as begun:
        yield begun


@pytest.mark.parametrize(
    ("error", "statement", "values"),
    [
        (asyncpg.CheckViolationError, INSERT, (NAME, -1, "created")),
        (asyncpg.CheckViolationError, INSERT, (NAME, 1, "nonsense")),
        (asyncpg.NotNullViolationError, INSERT, (NAME, None, "created")),
        (asyncpg.StringDataRightTruncationError, INSERT, (NAME * 10, 1, "created")),
        (asyncpg.DataError, INSERT, (NAME, NAME, "created")),
        (asyncpg.DataError, "SELECT 1 FROM parcels WHERE id = $1", (NAME,)),
        (asyncpg.InvalidTextRepresentationError, "SELECT $1::text::uuid", (f'{NAME}"',)),
        (asyncpg.InvalidTextRepresentationError, "SELECT $1::jsonb", ('{"a": of-a-client}',)),
        (asyncpg.UniqueViolationError, "INSERT INTO idempotency_keys SELECT $1, '', '', now()", (NAME,)),
    ],
)
async def test_an_unexpected_error_holds_no_values(
    database: PostgresDatabase, error: type[Exception], statement: str, values: tuple[object, ...]
) -> None:
    async with transaction(database) as earlier:
        await earlier.execute("INSERT INTO idempotency_keys SELECT $1, '', '', now()", NAME)
    with pytest.raises(error) as raised:
        async with transaction(database) as failing:
            await failing.execute(statement, *values)
    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value) + repr(vars(raised.value))
    assert NAME not in shown.replace(repr(NAME), NAME)


@pytest.mark.parametrize(
    ("error", "is_outage"),
    [
        (asyncpg.DiskFullError("full"), True),
        (asyncpg.TooManyConnectionsError("too many"), True),
        (asyncpg.CannotConnectNowError("starting"), True),
        (asyncpg.ReadOnlySQLTransactionError("read-only"), True),
        (asyncpg.QueryCanceledError("cancelled"), False),
        (asyncpg.LockNotAvailableError("locked"), False),
        (asyncpg.ConnectionDoesNotExistError("lost"), None),
        (TimeoutError(), None),
        (OSError("refused"), None),
    ],
    ids=repr,
)
def test_an_error_says_whether_it_concerns_everybody(error: Exception, is_outage: bool | None) -> None:
    with pytest.raises(Unavailable) as unavailable, unavailable_errors():
        raise error
    assert unavailable.value.is_outage is is_outage


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            asyncpg.ProtocolViolationError("unsupported startup parameter: statement_timeout"),
            "the server refuses: unsupported startup parameter: statement_timeout "
            "(behind a pooler, set DATABASE_POOLER=transaction, "
            "and DATABASE_DIRECT_URL to the server's own address)",
        ),
        (
            asyncpg.ProtocolViolationError("no more connections allowed (max_client_conn)"),
            "the server refuses: no more connections allowed (max_client_conn)",
        ),
        (
            asyncpg.InvalidSQLStatementNameError('prepared statement "__asyncpg_stmt_1__" does not exist'),
            "the server does not know a prepared statement "
            "(behind a pooler, set DATABASE_POOLER=transaction, "
            "and DATABASE_DIRECT_URL to the server's own address)",
        ),
    ],
)
def test_a_refusal_is_shown_in_the_words_of_the_server_with_the_setting_to_change(
    error: Exception, reason: str
) -> None:
    with pytest.raises(Unavailable) as unavailable, unavailable_errors():
        raise error
    assert unavailable.value.reason == reason


async def test_an_error_still_names_the_constraint(database: PostgresDatabase) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="parcels_quantity") as raised:
        async with transaction(database) as failing:
            await failing.execute(INSERT, NAME, -1, "created")
    assert raised.value.constraint_name == "parcels_quantity"


async def test_queries_outside_a_transaction_hold_no_values_either(database: PostgresDatabase) -> None:
    with pytest.raises(asyncpg.InvalidTextRepresentationError) as raised:
        await database.fetch("SELECT $1::text::int", NAME)
    assert NAME not in "".join(traceback.format_exception(raised.value))


async def test_a_missing_table_names_the_command(empty_database_url: str) -> None:
    database = PostgresDatabase(settings_of(empty_database_url), "chassis-tests")
    await database.open()
    try:
        with pytest.raises(Unavailable, match="run `migrate`"):
            await database.fetch("SELECT 1 FROM parcels")
    finally:
        await database.close()


UNIQUE = """
from alembic import op

revision = "0002"
down_revision = "0001"

def upgrade():
    op.create_unique_constraint("labels_once", "labels", ["text"])
"""


def test_a_failed_migration_holds_no_values(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("migrations")
    (folder / "0002.py").write_text(UNIQUE)
    (folder / "0001.py").write_text(next(SAMPLE.folder.glob("0001*.py")).read_text())
    with connect(database_url) as connection:
        connection.execute(
            "INSERT INTO labels SELECT gen_random_uuid(), %s, 1, now() FROM generate_series(1, 2)", (NAME,)
        )
    branches = (Branch("sample", folder, frozenset()), MIGRATIONS)
    with pytest.raises(Exception, match="labels_once") as raised:
        Migrations(MigrationTarget(settings_of(database_url)), branches, tables.metadata).upgrade()
    assert NAME not in "".join(traceback.format_exception(raised.value))
