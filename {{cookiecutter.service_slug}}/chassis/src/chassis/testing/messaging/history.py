"""Conformance suite for the history."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from ...database.port import Database
from ...errors import Interrupted, Unavailable
from ...identity import new_id
from ...messaging.history.port import HistoryEntry
from ...messaging.storage.port import MessageStorage
from .storage import AGGREGATE, OtherData, new_entry

NESTED = {
    "text": 'Größe "42" \N{SNOWMAN} \\ \N{GRINNING FACE} \n',
    "list": [1, -2.5, None, True, {"deep": [[]]}],
    "large": 2**53,
    "": {},
}


async def append(database: Database, storage: MessageStorage, *entries: HistoryEntry) -> None:
    """Append entries in one transaction."""
    async with database.begin() as transaction:
        for each in entries:
            await storage.history.append(transaction, each)


async def last_version(database: Database, storage: MessageStorage, id: UUID, aggregate: str = AGGREGATE) -> int:
    """Query the last version in a transaction of its own."""
    async with database.begin() as transaction:
        return await storage.history.last_version(transaction, aggregate, id)


def versions(entries: Sequence[HistoryEntry]) -> list[int]:
    """In the order given."""
    return [each.version for each in entries]


class HistoryConformance:
    """The journal of each aggregate."""

    async def test_entries_come_back_unchanged(self, database: Database, storage: MessageStorage) -> None:
        id = new_id()
        another_zone = datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=45)))
        entries = [new_entry(id, 1, NESTED), new_entry(id, 2, {"text": "x" * 200_000}, another_zone)]
        await append(database, storage, *entries)
        found = await storage.history.entries(AGGREGATE, id, 0, 10)
        assert found == entries
        assert {each.occurred_at.tzinfo for each in found} == {UTC}

    async def test_entries_are_sorted_by_version(self, database: Database, storage: MessageStorage) -> None:
        id = new_id()
        for version in (1, 2, 11, 9, 10):
            await append(database, storage, new_entry(id, version), new_entry(new_id(), version))
        assert versions(await storage.history.entries(AGGREGATE, id, 0, 10)) == [1, 2, 9, 10, 11]
        assert versions(await storage.history.entries(AGGREGATE, id, 2, 10)) == [9, 10, 11]
        assert versions(await storage.history.entries(AGGREGATE, id, 0, 3)) == [1, 2, 9]
        assert versions(await storage.history.entries(AGGREGATE, id, 11, 10)) == []

    async def test_knows_the_last_version(self, database: Database, storage: MessageStorage) -> None:
        id = new_id()
        assert await last_version(database, storage, id) == 0
        await append(database, storage, new_entry(id, 1), new_entry(id, 2), new_entry(new_id(), 7))
        assert await last_version(database, storage, id) == 2

    async def test_kinds_of_aggregates_are_kept_apart(self, database: Database, storage: MessageStorage) -> None:
        """Ids are unique among the aggregates of one kind only."""
        first = new_entry(new_id(), 1)
        other = replace(first, event_id=new_id(), aggregate="credit-note")
        await append(database, storage, first, other)
        for entry in (first, other):
            assert await storage.history.entries(entry.aggregate, entry.aggregate_id, 0, 10) == [entry]
        assert await last_version(database, storage, first.aggregate_id, "Invoice") == 0

    async def test_keeps_nothing_of_a_failed_transaction(self, database: Database, storage: MessageStorage) -> None:
        id = new_id()
        with pytest.raises(RuntimeError):
            async with database.begin() as transaction:
                await storage.history.append(transaction, new_entry(id, 1))
                raise RuntimeError
        assert await last_version(database, storage, id) == 0

    async def test_a_version_is_stored_once(self, database: Database, storage: MessageStorage) -> None:
        first, lost = new_entry(new_id(), 1), OtherData()
        await append(database, storage, first)
        with pytest.raises(Interrupted):
            async with database.begin() as transaction:
                await lost.store(transaction)
                await storage.history.append(transaction, new_entry(first.aggregate_id, 1))
        assert await storage.history.entries(AGGREGATE, first.aggregate_id, 0, 10) == [first]
        assert not await lost.is_stored(database)

    async def test_one_of_many_concurrent_transactions_stores_a_version(
        self, database: Database, storage: MessageStorage
    ) -> None:
        id = new_id()
        appending = [append(database, storage, new_entry(id, 1)) for _ in range(20)]
        outcomes = await asyncio.gather(*appending, return_exceptions=True)
        assert outcomes.count(None) == 1
        assert all(each is None or isinstance(each, Unavailable) for each in outcomes)
        assert len(await storage.history.entries(AGGREGATE, id, 0, 10)) == 1
