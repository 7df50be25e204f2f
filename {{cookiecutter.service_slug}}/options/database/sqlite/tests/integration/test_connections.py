"""Connections to one file."""

import asyncio
import sqlite3
from uuid import uuid4

from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.domain.errors import NotFound
from {{ cookiecutter.package_name }}.infrastructure.database import select_database


async def test_the_first_ones_of_a_file_do_not_refuse_each_other(database_settings: DatabaseSettings) -> None:
    """A new or restored file is turned to write-ahead logging, for which SQLite lets nobody else in and nobody wait."""
    database_settings = database_settings.model_copy(update={"pool_size": 16})
    for _ in range(50):
        with sqlite3.connect(database_settings.path) as connection:
            assert connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
        connection.close()
        database = select_database(database_settings)
        await database.open()
        found = await asyncio.gather(*(database.find(uuid4()) for _ in range(16)), return_exceptions=True)
        await database.close()
        assert [type(each) for each in found] == [NotFound] * 16
