"""Databases of the sample application on MySQL."""

import asyncio
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import MetaData

from chassis.database.migrations import Migrations
from chassis.database.mysql import MIGRATIONS, DatabaseSettings, MysqlDatabase
from chassis.database.mysql.engine import MigrationTarget
from chassis.database.revisions import Branch, Revisions
from chassis.testing.mysql import run
from tests.sample.storage import mysql as sample
from tests.sample.storage.mysql.tables import metadata

SAMPLE = Branch("sample", Path(sample.__file__).parent / "migrations", frozenset())
BRANCHES = (SAMPLE, MIGRATIONS)
# Each for MariaDB and for MySQL, where the tables of information_schema cannot be read while a statement runs on the
# server whose values are not text, such as an id.
OTHERS = (
    "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
    """
    SELECT processlist_id FROM performance_schema.threads
    WHERE processlist_db = DATABASE() AND processlist_id <> CONNECTION_ID()
    """,
)
LOCK_WAITS = (
    """
    SELECT 1 FROM information_schema.innodb_trx AS trx
    JOIN information_schema.processlist AS session ON session.id = trx.trx_mysql_thread_id
    WHERE trx.trx_state = 'LOCK WAIT' AND session.db = DATABASE()
    """,
    """
    SELECT 1 FROM performance_schema.data_lock_waits
    JOIN performance_schema.threads ON thread_id = requesting_thread_id
    WHERE processlist_db = DATABASE()
    """,
)


def settings_of(url: str) -> DatabaseSettings:
    """Settings that name a database."""
    return DatabaseSettings(url=SecretStr(url))


def migrations_of(
    settings: DatabaseSettings, branches: tuple[Branch, ...] = BRANCHES, tables: MetaData = metadata
) -> Migrations:
    """The migrations of a database."""
    return Migrations(MigrationTarget(settings), branches, tables)


def database_of(settings: DatabaseSettings, branches: tuple[Branch, ...] = BRANCHES) -> MysqlDatabase:
    """The adapter, not opened."""
    return MysqlDatabase(settings, "tests", revisions=Revisions(branch.folder for branch in branches))


async def kill_all(url: str) -> None:
    """End every connection to a database, and wait until the server has done it."""
    ids = await _ask(url, OTHERS)
    assert ids
    await asyncio.to_thread(run, url, *(f"KILL {id}" for id in ids))
    async with asyncio.timeout(10):
        while await _ask(url, OTHERS) & ids:
            pass


async def waits_for_lock(url: str) -> bool:
    """Whether a statement on a database waits for a row that another transaction has locked."""
    return bool(await _ask(url, LOCK_WAITS))


async def _ask(url: str, statements: tuple[str, str]) -> set[object]:
    """The first column of the statement for the server's kind."""
    [[version]] = await asyncio.to_thread(run, url, "SELECT VERSION()")
    on_mariadb, on_mysql = statements
    rows = await asyncio.to_thread(run, url, on_mariadb if "MariaDB" in str(version) else on_mysql)
    return {row[0] for row in rows}
