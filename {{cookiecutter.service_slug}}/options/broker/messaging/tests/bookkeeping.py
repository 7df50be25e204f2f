"""What inbox and history have to do on every database, written once and run over each of them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from {{ cookiecutter.package_name }}.domain.errors import Interrupted, NotFound, Unavailable
from {{ cookiecutter.package_name }}.domain.history import HistoryEntry
from {{ cookiecutter.package_name }}.infrastructure.database.messages import create_message_store
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database
from {{ cookiecutter.package_name }}.infrastructure.identity import new_id
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Message
from {{ cookiecutter.package_name }}.infrastructure.messaging.store import MessageStore

from .persistence import NOW, new

CONSUMER = "billing.history"
NESTED = {
    "text": 'Größe "42" \N{SNOWMAN} \\ \N{GRINNING FACE} \n',
    "list": [1, -2.5, None, True, {"deep": [[]]}],
    "large": 2**53,
    "": {},
}


def entry(id: UUID, version: int, data: dict[str, Any] | None = None, at: datetime = NOW) -> HistoryEntry:
    """An entry of an aggregate's history."""
    return HistoryEntry(
        event_id=new_id(),
        type="billing.invoice.created",
        aggregate_id=id,
        version=version,
        occurred_at=at,
        data=data or {},
    )


async def fill_messages(database: Database) -> None:
    """Something in each table of messaging."""
    messages = create_message_store(database)
    async with database.begin() as work:
        books = messages.within(work)
        await books.enqueue([Message("every byte", "billing.invoice.created", "one", bytes(range(256)))])
        await books.first_time(CONSUMER, "message-1", NOW)
        await books.history.add(entry(new_id(), 1, NESTED))


class MessageStoreFixtures:
    """The fixture `database` (opened) gives an empty one; each test has its own."""

    @pytest.fixture
    def messages(self, database: Database) -> MessageStore:
        """Its tables of messaging."""
        return create_message_store(database)


class InboxContract(MessageStoreFixtures):
    """A message has its effect once."""

    async def take(
        self, database: Database, messages: MessageStore, id: str, consumer: str = CONSUMER, at: datetime = NOW
    ) -> bool:
        """Take a message in a transaction of its own."""
        async with database.begin() as work:
            return await messages.within(work).first_time(consumer, id, at)

    async def test_a_message_comes_for_the_first_time_once(self, database: Database, messages: MessageStore) -> None:
        assert await self.take(database, messages, "message-1")
        assert not await self.take(database, messages, "message-1")

    async def test_consumers_do_not_get_into_each_others_way(self, database: Database, messages: MessageStore) -> None:
        for consumer in ("billing.history", "billing.mail"):
            assert await self.take(database, messages, "message-1", consumer)

    async def test_messages_are_told_apart_to_the_letter(self, database: Database, messages: MessageStore) -> None:
        for id in ("message", "Message", "message ", "méssage", "me", "m" * 255, "\N{SNOWMAN}" * 255):
            assert await self.take(database, messages, id), id

    async def test_a_message_whose_effect_failed_comes_for_the_first_time_again(
        self, database: Database, messages: MessageStore
    ) -> None:
        lost = new()
        with pytest.raises(RuntimeError):
            async with database.begin() as work:
                assert await messages.within(work).first_time(CONSUMER, "message-1", NOW)
                await work.{{ cookiecutter.__entities }}.add(lost)
                raise RuntimeError
        with pytest.raises(NotFound):
            await database.find(lost.id)
        assert await self.take(database, messages, "message-1")

    async def test_a_message_that_came_before_may_be_noticed_amid_other_changes(
        self, database: Database, messages: MessageStore
    ) -> None:
        await self.take(database, messages, "message-1")
        stored = new()
        async with database.begin() as work:
            assert not await messages.within(work).first_time(CONSUMER, "message-1", NOW)
            await work.{{ cookiecutter.__entities }}.add(stored)
        assert await database.find(stored.id) == stored

    async def test_of_many_that_take_a_message_at_once_one_has_the_effect(
        self, database: Database, messages: MessageStore
    ) -> None:
        async def take() -> bool:
            async with database.begin() as work:
                first = await messages.within(work).first_time(CONSUMER, "message-1", NOW)
                await asyncio.sleep(0.01)
                return first

        outcomes = await asyncio.gather(*(take() for _ in range(20)), return_exceptions=True)
        assert outcomes.count(True) == 1
        assert all(isinstance(each, bool | Unavailable) for each in outcomes)
        assert not await self.take(database, messages, "message-1")

    async def test_of_many_one_has_the_effect_also_when_the_first_one_fails(
        self, database: Database, messages: MessageStore
    ) -> None:
        held = asyncio.Event()

        async def fail() -> None:
            async with database.begin() as work:
                await messages.within(work).first_time(CONSUMER, "message-1", NOW)
                held.set()
                await asyncio.sleep(0.1)
                raise RuntimeError

        failing = asyncio.create_task(fail())
        await held.wait()
        taking = [self.take(database, messages, "message-1") for _ in range(5)]
        outcomes = await asyncio.gather(failing, *taking, return_exceptions=True)
        assert all(isinstance(each, bool | Unavailable) for each in outcomes[1:])
        assert outcomes.count(True) + await self.take(database, messages, "message-1") == 1

    async def test_forgets_old_messages_only(self, database: Database, messages: MessageStore) -> None:
        old = [f"old-{number}" for number in range(1_200)]
        async with database.begin() as work:
            for id in old:
                await messages.within(work).first_time(CONSUMER, id, NOW)
        await self.take(database, messages, "young", at=NOW + timedelta(hours=1))
        assert await messages.forget_received(NOW + timedelta(hours=1)) == len(old)
        assert await self.take(database, messages, old[0])
        assert not await self.take(database, messages, "young")


class HistoryContract(MessageStoreFixtures):
    """What has happened to each aggregate."""

    async def add(self, database: Database, messages: MessageStore, *entries: HistoryEntry) -> None:
        """Store entries in one transaction."""
        async with database.begin() as work:
            for each in entries:
                await messages.within(work).history.add(each)

    async def last_version(self, database: Database, messages: MessageStore, id: UUID) -> int:
        """Ask for it in a transaction of its own."""
        async with database.begin() as work:
            return await messages.within(work).history.last_version(id)

    async def test_comes_back_as_it_was(self, database: Database, messages: MessageStore) -> None:
        id = new_id()
        elsewhere = datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=45)))
        entries = [entry(id, 1, NESTED), entry(id, 2, {"text": "x" * 200_000}, elsewhere)]
        await self.add(database, messages, *entries)
        found = await messages.history(id, 0, 10)
        assert found == entries
        assert {each.occurred_at.tzinfo for each in found} == {UTC}

    async def test_is_by_version_whatever_the_order_of_storing(
        self, database: Database, messages: MessageStore
    ) -> None:
        id = new_id()
        for version in (1, 2, 11, 9, 10):
            await self.add(database, messages, entry(id, version), entry(new_id(), version))
        assert self.versions(await messages.history(id, 0, 10)) == [1, 2, 9, 10, 11]
        assert self.versions(await messages.history(id, 2, 10)) == [9, 10, 11]
        assert self.versions(await messages.history(id, 0, 3)) == [1, 2, 9]
        assert self.versions(await messages.history(id, 11, 10)) == []

    async def test_knows_the_last_version(self, database: Database, messages: MessageStore) -> None:
        id = new_id()
        assert await self.last_version(database, messages, id) == 0
        await self.add(database, messages, entry(id, 1), entry(id, 2), entry(new_id(), 7))
        assert await self.last_version(database, messages, id) == 2

    async def test_leaves_nothing_of_a_transaction_that_failed(
        self, database: Database, messages: MessageStore
    ) -> None:
        id = new_id()
        with pytest.raises(RuntimeError):
            async with database.begin() as work:
                await messages.within(work).history.add(entry(id, 1))
                raise RuntimeError
        assert await self.last_version(database, messages, id) == 0

    async def test_a_version_is_stored_once(self, database: Database, messages: MessageStore) -> None:
        first = entry(new_id(), 1)
        await self.add(database, messages, first)
        lost = new()
        with pytest.raises(Interrupted):
            async with database.begin() as work:
                await work.{{ cookiecutter.__entities }}.add(lost)
                await messages.within(work).history.add(entry(first.aggregate_id, 1))
        assert await messages.history(first.aggregate_id, 0, 10) == [first]
        with pytest.raises(NotFound):
            await database.find(lost.id)

    async def test_of_many_that_store_a_version_at_once_one_succeeds(
        self, database: Database, messages: MessageStore
    ) -> None:
        id = new_id()
        adding = [self.add(database, messages, entry(id, 1)) for _ in range(20)]
        outcomes = await asyncio.gather(*adding, return_exceptions=True)
        assert outcomes.count(None) == 1
        assert all(each is None or isinstance(each, Unavailable) for each in outcomes)
        assert len(await messages.history(id, 0, 10)) == 1

    def versions(self, entries: Sequence[HistoryEntry]) -> list[int]:
        """In the order given."""
        return [each.version for each in entries]
