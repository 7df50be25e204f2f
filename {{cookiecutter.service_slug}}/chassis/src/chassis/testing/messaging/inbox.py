"""Conformance suite for the inbox."""

import asyncio
from datetime import datetime, timedelta

import pytest

from ...database.port import Database
from ...errors import Unavailable
from ...messaging.storage.port import MessageStorage
from .storage import NOW, OtherData

CONSUMER = "billing-service.history"


async def process(
    database: Database, storage: MessageStorage, id: str, consumer: str = CONSUMER, at: datetime = NOW
) -> bool:
    """Mark a message as processed in a transaction of its own."""
    async with database.begin() as transaction:
        return await storage.inbox.mark_processed(transaction, consumer, id, at)


class InboxConformance:
    """A message has its effect once."""

    async def test_a_message_is_new_once(self, database: Database, storage: MessageStorage) -> None:
        assert await process(database, storage, "message-1")
        assert not await process(database, storage, "message-1")

    async def test_consumers_are_independent(self, database: Database, storage: MessageStorage) -> None:
        for consumer in ("billing-service.history", "billing-service.mail"):
            assert await process(database, storage, "message-1", consumer)

    async def test_similar_ids_are_distinguished(self, database: Database, storage: MessageStorage) -> None:
        for id in ("message", "Message", "message ", "méssage", "me", "m" * 255, "\N{SNOWMAN}" * 255):
            assert await process(database, storage, id), id

    async def test_a_message_whose_effect_failed_is_new_again(
        self, database: Database, storage: MessageStorage
    ) -> None:
        lost = OtherData()
        with pytest.raises(RuntimeError):
            async with database.begin() as transaction:
                await lost.store(transaction)
                assert await storage.inbox.mark_processed(transaction, CONSUMER, "message-1", NOW)
                raise RuntimeError
        assert not await lost.is_stored(database)
        assert await process(database, storage, "message-1")

    async def test_a_redelivered_message_does_not_spoil_the_transaction_that_notices_it(
        self, database: Database, storage: MessageStorage
    ) -> None:
        await process(database, storage, "message-1")
        stored = OtherData()
        async with database.begin() as transaction:
            await stored.store(transaction)
            assert not await storage.inbox.mark_processed(transaction, CONSUMER, "message-1", NOW)
        assert await stored.is_stored(database)

    async def test_one_of_many_concurrent_transactions_processes_a_message(
        self, database: Database, storage: MessageStorage
    ) -> None:
        async def process_slowly() -> bool:
            async with database.begin() as transaction:
                first = await storage.inbox.mark_processed(transaction, CONSUMER, "message-1", NOW)
                await asyncio.sleep(0.01)
                return first

        outcomes = await asyncio.gather(*(process_slowly() for _ in range(20)), return_exceptions=True)
        assert outcomes.count(True) == 1
        assert all(isinstance(each, bool | Unavailable) for each in outcomes)
        assert not await process(database, storage, "message-1")

    async def test_one_of_many_processes_a_message_also_when_the_first_one_fails(
        self, database: Database, storage: MessageStorage
    ) -> None:
        held = asyncio.Event()

        async def fail() -> None:
            async with database.begin() as transaction:
                await storage.inbox.mark_processed(transaction, CONSUMER, "message-1", NOW)
                held.set()
                await asyncio.sleep(0.1)
                raise RuntimeError

        failing = asyncio.create_task(fail())
        await held.wait()
        processing = [process(database, storage, "message-1") for _ in range(5)]
        outcomes = await asyncio.gather(failing, *processing, return_exceptions=True)
        assert all(isinstance(each, bool | Unavailable) for each in outcomes[1:])
        assert outcomes.count(True) + await process(database, storage, "message-1") == 1

    async def test_purges_old_records_only(self, database: Database, storage: MessageStorage) -> None:
        old = [f"old-{number}" for number in range(1_200)]
        async with database.begin() as transaction:
            for id in old:
                await storage.inbox.mark_processed(transaction, CONSUMER, id, NOW)
        await process(database, storage, "young", at=NOW + timedelta(hours=1))
        assert await storage.inbox.purge(NOW + timedelta(hours=1)) == len(old)
        assert await process(database, storage, old[0])
        assert not await process(database, storage, "young")
