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
OTHERS = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"


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
    ids = {id for (id,) in await asyncio.to_thread(run, url, OTHERS)}
    assert ids
    await asyncio.to_thread(run, url, *(f"KILL {id}" for id in ids))
    async with asyncio.timeout(10):
        while {id for (id,) in await asyncio.to_thread(run, url, OTHERS)} & ids:
            pass
