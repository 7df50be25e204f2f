"""Backups of the service's database: everything comes back, or nothing was changed."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from chassis.database.migrations import Migrations
from chassis.testing.backups import BackupConformance, Backups
from sqlalchemy import Engine

from tests.support.api import DRAFT, URL
from tests.support.databases import create_backups


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    """The scripts of the service."""
    return create_backups(tmp_path)


class TestBackup(BackupConformance):
    """All promises of the scripts."""

    @pytest.fixture(autouse=True)
    def use(self, engine: Callable[[str], Engine], migrations: Callable[[str], Migrations]) -> None:
        """The service's engine and migrations."""
        self._engine, self._migrations = engine, migrations

    def engine(self, url: str) -> Engine:
        """The service's."""
        return self._engine(url)

    def migrations(self, url: str) -> Migrations:
        """The service's."""
        return self._migrations(url)


async def test_a_restored_service_answers_as_before(
    backups: Backups,
    client: httpx2.AsyncClient,
    database_url: str,
    empty_database_url: str,
    start: Callable[[str], Any],
) -> None:
    headers = {"idempotency-key": "before-the-backup"}
    created = await client.post(URL, json=DRAFT, headers=headers)
    file = await asyncio.to_thread(backups.take, database_url)
    await asyncio.to_thread(backups.put, file, empty_database_url)
    async with start(empty_database_url) as restored:
        assert (await restored.get(created.headers["location"])).json() == created.json()
        assert (await restored.get(URL)).json() == (await client.get(URL)).json()
        again = await restored.post(URL, json=DRAFT, headers=headers)
        assert (again.content, again.headers["idempotency-replayed"]) == (created.content, "true")
        assert (await restored.post(URL, json=DRAFT)).status_code == 201
