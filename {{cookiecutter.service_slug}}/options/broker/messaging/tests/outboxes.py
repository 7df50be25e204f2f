"""What an outbox has to do on every database, written once and run over each of them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, timedelta
from time import monotonic
from unittest.mock import ANY
from uuid import uuid4

import pytest

from {{ cookiecutter.package_name }}.domain.errors import NotFound
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database
from {{ cookiecutter.package_name }}.infrastructure.identity import utc_now
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Message
from {{ cookiecutter.package_name }}.infrastructure.messaging.store import (
    Arrivals,
    Backlog,
    MessageStore,
    Waiting,
)

from .bookkeeping import MessageStoreFixtures
from .deliveries import PATIENCE_SECONDS
from .persistence import new
from .relays import Relays

PROMPT_SECONDS = 0.4  # less than anybody waits who was not woken


def letter(key: str = "one", number: int = 0, body: bytes = b"{}") -> Message:
    """A message that is told apart by its number."""
    return Message(f"{key}/{number}/{uuid4()}", "billing.invoice.created", key, body)


def letters(count: int, keys: int = 1) -> list[Message]:
    """Messages of several keys in turn, each with its number within its key."""
    return [letter(f"key-{number % keys}", number // keys) for number in range(count)]


def messages_of(waiting: Sequence[Waiting]) -> list[Message]:
    """What waits, without since when."""
    return [each.message for each in waiting]


class OutboxContract(MessageStoreFixtures):
    """Events wait until the broker has them."""

    async def enqueue(self, database: Database, messages: MessageStore, *added: Message) -> None:
        """Put messages into the outbox in a transaction of their own."""
        async with database.begin() as work:
            await messages.within(work).enqueue(added)

    async def held(self, messages: MessageStore, limit: int = 1_000) -> list[Message]:
        """What a relay would get now."""
        async with messages.take(limit) as batch:
            return messages_of(batch.waiting)

    async def drained(self, messages: MessageStore, limit: int) -> list[Message]:
        """Everything, as a single relay takes it."""
        taken: list[Message] = []
        while True:
            async with messages.take(limit) as batch:
                if not batch.waiting:
                    return taken
                taken += messages_of(batch.waiting)
                await batch.remove({each.message.id for each in batch.waiting})

    async def test_is_filled_together_with_the_aggregate(self, database: Database, messages: MessageStore) -> None:
        stored, added = new(), letters(2)
        async with database.begin() as work:
            await work.{{ cookiecutter.__entities }}.add(stored)
            await messages.within(work).enqueue(added)
            assert await self.held(messages) == []
        assert await database.find(stored.id) == stored
        assert await self.held(messages) == added

    async def test_holds_nothing_of_a_transaction_that_failed(self, database: Database, messages: MessageStore) -> None:
        lost = new()
        with pytest.raises(RuntimeError):
            async with database.begin() as work:
                await work.{{ cookiecutter.__entities }}.add(lost)
                await messages.within(work).enqueue(letters(2))
                raise RuntimeError
        with pytest.raises(NotFound):
            await database.find(lost.id)
        assert await self.held(messages) == []
        assert await messages.backlog(10) == Backlog(0, 0.0)

    async def test_is_empty_at_first(self, messages: MessageStore) -> None:
        assert await self.held(messages) == []
        assert await messages.backlog(10) == Backlog(0, 0.0)

    async def test_gives_back_what_was_put_in(self, database: Database, messages: MessageStore) -> None:
        text = 'Größe "42" \N{SNOWMAN} \\ \N{GRINNING FACE}'
        added = [letter(f"key {text}", 0, text.encode()), letter(f"key {text}", 1, bytes(range(256)) * 800)]
        await self.enqueue(database, messages, *added)
        async with messages.take(10) as batch:
            assert messages_of(batch.waiting) == added
            for each in batch.waiting:
                assert each.since.tzinfo is UTC
                assert abs(utc_now() - each.since) < timedelta(seconds=PATIENCE_SECONDS)

    @pytest.mark.parametrize("limit", [1, 3, 50])
    async def test_keeps_the_order_of_each_key_and_the_limit(
        self, database: Database, messages: MessageStore, limit: int
    ) -> None:
        added = letters(120, keys=12)
        for begin in range(0, 120, 40):
            await self.enqueue(database, messages, *added[begin : begin + 40])
        async with messages.take(limit) as batch:
            assert 1 <= len(batch.waiting) <= limit
        taken = await self.drained(messages, limit)
        assert len(taken) == len(added)
        for key in {message.key for message in added}:
            assert [each for each in taken if each.key == key] == [each for each in added if each.key == key]

    async def test_only_what_is_named_is_removed(self, database: Database, messages: MessageStore) -> None:
        added = letters(6)
        await self.enqueue(database, messages, *added)
        async with messages.take(5) as batch:
            assert messages_of(batch.waiting) == added[:5]
            await batch.remove(set())
            await batch.remove({added[0].id, added[3].id})
            await batch.remove({added[1].id})
        assert await self.held(messages) == [added[2], *added[4:]]

    async def test_frees_what_a_relay_holds_that_fails_and_keeps_to_what_it_removed(
        self, database: Database, messages: MessageStore
    ) -> None:
        added = letters(5)
        await self.enqueue(database, messages, *added)
        with pytest.raises(RuntimeError):
            async with messages.take(10) as batch:
                await batch.remove({added[0].id})
                raise RuntimeError
        assert await self.held(messages) == added[1:]

    async def test_frees_what_a_relay_holds_that_is_cancelled(self, database: Database, messages: MessageStore) -> None:
        added = letters(5)
        await self.enqueue(database, messages, *added)
        holds = asyncio.Event()

        async def hold() -> None:
            async with messages.take(10):
                holds.set()
                await asyncio.sleep(PATIENCE_SECONDS)

        for _ in range(3):
            holding = asyncio.create_task(hold())
            await holds.wait()
            assert await self.held(messages) == []
            holding.cancel()
            with pytest.raises(asyncio.CancelledError):
                await holding
            holds.clear()
            assert await self.held(messages) == added
        assert database.usage().in_use == 0

    @pytest.mark.parametrize("count", [2, 4])
    async def test_relays_never_hold_the_same_key_at_once(
        self, database: Database, messages: MessageStore, count: int
    ) -> None:
        """Each event comes out after the one before it, whatever fails; drained means that none was lost."""
        relays = Relays(messages)

        async def write(key: str) -> None:
            for number in range(20):
                await self.enqueue(database, messages, letter(key, number))

        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            writing = [group.create_task(write(f"key-{number}")) for number in range(12)]
            for number in range(count):
                group.create_task(relays.run(number, lambda: all(task.done() for task in writing)))
        assert relays.published == {f"key-{number}": 20 for number in range(12)}
        assert await messages.backlog(10) == Backlog(0, 0.0)
        assert relays.failures

    async def test_tells_at_once_that_something_was_added(self, database: Database, messages: MessageStore) -> None:
        async with messages.arrivals() as arrivals:
            for number in range(5):
                looking = asyncio.create_task(self._found(messages, arrivals, number + 1))
                await self.enqueue(database, messages, letter(number=number))
                committed = monotonic()
                await looking
                assert monotonic() - committed < PROMPT_SECONDS

    async def test_says_how_much_waits_and_for_how_long(self, database: Database, messages: MessageStore) -> None:
        begun = monotonic()
        await self.enqueue(database, messages, *letters(7, keys=7))
        await asyncio.sleep(0.1)
        assert await messages.backlog(5) == Backlog(5, ANY)
        backlog = await messages.backlog(100)
        assert backlog.count == 7
        assert 0.1 <= backlog.oldest_seconds <= monotonic() - begun
        await self.drained(messages, 100)
        assert await messages.backlog(100) == Backlog(0, 0.0)

    async def _found(self, messages: MessageStore, arrivals: Arrivals, count: int) -> None:
        """Look, and look again whenever there may be something new, as a relay does."""
        while len(await self.held(messages)) < count:
            await arrivals.wait()
