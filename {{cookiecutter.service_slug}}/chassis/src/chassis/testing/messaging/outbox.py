"""Conformance suite for the outbox."""

import asyncio
from datetime import UTC, timedelta
from time import monotonic
from unittest.mock import ANY

import pytest

from ...database.port import Database
from ...identity import utc_now
from ...messaging.outbox.port import Backlog, Outbox, OutboxListener
from ...messaging.port import Message
from ...messaging.storage.port import MessageStorage
from ..brokers import TIMEOUT_SECONDS
from .refused import RefusedMessages
from .relays import SimulatedRelays
from .storage import OtherData, enqueue, messages_of, new_message, new_messages

PROMPT_SECONDS = 0.4  # less than a listener waits that was not woken


async def claimable(outbox: Outbox, limit: int = 1_000) -> list[Message]:
    """The messages that a relay could claim now."""
    async with outbox.claim(limit) as batch:
        return messages_of(batch.waiting)


async def drain(outbox: Outbox, limit: int) -> list[Message]:
    """Remove all messages in the order in which a single relay claims them."""
    claimed: list[Message] = []
    while True:
        async with outbox.claim(limit) as batch:
            if not batch.waiting:
                return claimed
            claimed += messages_of(batch.waiting)
            await batch.remove({each.message.id for each in batch.waiting})


class OutboxConformance(RefusedMessages):
    """Messages wait until the broker has confirmed them."""

    async def test_is_filled_together_with_other_data(self, database: Database, storage: MessageStorage) -> None:
        stored, added = OtherData(), new_messages(2)
        async with database.begin() as transaction:
            await stored.store(transaction)
            await storage.outbox.enqueue(transaction, added)
            assert await claimable(storage.outbox) == []
        assert await stored.is_stored(database)
        assert await claimable(storage.outbox) == added

    async def test_holds_nothing_of_a_failed_transaction(self, database: Database, storage: MessageStorage) -> None:
        lost = OtherData()
        with pytest.raises(RuntimeError):
            async with database.begin() as transaction:
                await lost.store(transaction)
                await storage.outbox.enqueue(transaction, new_messages(2))
                raise RuntimeError
        assert not await lost.is_stored(database)
        assert await claimable(storage.outbox) == []
        assert await storage.outbox.backlog(10) == Backlog(0, 0.0)

    async def test_is_empty_at_first(self, storage: MessageStorage) -> None:
        assert await claimable(storage.outbox) == []
        assert await storage.outbox.backlog(10) == Backlog(0, 0.0)

    async def test_messages_come_back_unchanged(self, database: Database, storage: MessageStorage) -> None:
        text = 'Größe "42" \N{SNOWMAN} \\ \N{GRINNING FACE}'
        added = [new_message(f"key {text}", 0, text.encode()), new_message(f"key {text}", 1, bytes(range(256)) * 800)]
        await enqueue(database, storage.outbox, *added)
        async with storage.outbox.claim(10) as batch:
            assert messages_of(batch.waiting) == added
            for each in batch.waiting:
                assert each.since.tzinfo is UTC
                assert abs(utc_now() - each.since) < timedelta(seconds=TIMEOUT_SECONDS)

    @pytest.mark.parametrize("limit", [1, 3, 50])
    async def test_keeps_the_order_of_each_key_and_the_limit(
        self, database: Database, storage: MessageStorage, limit: int
    ) -> None:
        added = new_messages(120, keys=12)
        for begin in range(0, 120, 40):
            await enqueue(database, storage.outbox, *added[begin : begin + 40])
        async with storage.outbox.claim(limit) as batch:
            assert 1 <= len(batch.waiting) <= limit
        claimed = await drain(storage.outbox, limit)
        assert len(claimed) == len(added)
        for key in {message.key for message in added}:
            assert [each for each in claimed if each.key == key] == [each for each in added if each.key == key]

    async def test_removes_only_the_given_messages(self, database: Database, storage: MessageStorage) -> None:
        added = new_messages(6)
        await enqueue(database, storage.outbox, *added)
        async with storage.outbox.claim(5) as batch:
            assert messages_of(batch.waiting) == added[:5]
            await batch.remove(set())
            await batch.remove({added[0].id, added[3].id})
            await batch.remove({added[1].id})
        assert await claimable(storage.outbox) == [added[2], *added[4:]]

    async def test_a_relay_that_fails_frees_its_claim_and_does_not_restore_what_it_removed(
        self, database: Database, storage: MessageStorage
    ) -> None:
        added = new_messages(5)
        await enqueue(database, storage.outbox, *added)
        with pytest.raises(RuntimeError):
            async with storage.outbox.claim(10) as batch:
                await batch.remove({added[0].id})
                raise RuntimeError
        assert await claimable(storage.outbox) == added[1:]

    async def test_a_relay_that_is_cancelled_frees_its_claim(self, database: Database, storage: MessageStorage) -> None:
        added = new_messages(5)
        await enqueue(database, storage.outbox, *added)
        claimed = asyncio.Event()

        async def hold() -> None:
            async with storage.outbox.claim(10):
                claimed.set()
                await asyncio.sleep(TIMEOUT_SECONDS)

        for _ in range(3):
            holding = asyncio.create_task(hold())
            await claimed.wait()
            assert await claimable(storage.outbox) == []
            holding.cancel()
            with pytest.raises(asyncio.CancelledError):
                await holding
            claimed.clear()
            assert await claimable(storage.outbox) == added
        assert database.usage().in_use == 0

    @pytest.mark.parametrize("count", [2, 4])
    async def test_relays_never_claim_the_same_key_at_once(
        self, database: Database, storage: MessageStorage, count: int
    ) -> None:
        """Each message is published after the one before it, whatever fails; an empty outbox means none was lost."""
        relays = SimulatedRelays(storage.outbox)

        async def write(key: str) -> None:
            for number in range(20):
                await enqueue(database, storage.outbox, new_message(key, number))

        async with asyncio.timeout(TIMEOUT_SECONDS), asyncio.TaskGroup() as group:
            writing = [group.create_task(write(f"key-{number}")) for number in range(12)]
            for number in range(count):
                group.create_task(relays.run(number, lambda: all(task.done() for task in writing)))
        assert relays.published == {f"key-{number}": 20 for number in range(12)}
        assert await storage.outbox.backlog(10) == Backlog(0, 0.0)
        assert relays.failures

    async def test_a_listener_is_woken_by_new_messages(self, database: Database, storage: MessageStorage) -> None:
        async with storage.outbox.listening() as listener:
            for number in range(5):
                looking = asyncio.create_task(self._found(storage.outbox, listener, number + 1))
                await enqueue(database, storage.outbox, new_message(number=number))
                committed = monotonic()
                await looking
                assert monotonic() - committed < PROMPT_SECONDS

    async def test_reports_the_backlog(self, database: Database, storage: MessageStorage) -> None:
        begun = monotonic()
        await enqueue(database, storage.outbox, *new_messages(7, keys=7))
        await asyncio.sleep(0.1)
        assert await storage.outbox.backlog(5) == Backlog(5, ANY)
        backlog = await storage.outbox.backlog(100)
        assert backlog.count == 7
        assert 0.1 <= backlog.oldest_seconds <= monotonic() - begun
        await drain(storage.outbox, 100)
        assert await storage.outbox.backlog(100) == Backlog(0, 0.0)

    async def _found(self, outbox: Outbox, listener: OutboxListener, count: int) -> None:
        """Claim, and claim again whenever there may be new messages, as a relay does."""
        while len(await claimable(outbox)) < count:
            await listener.wait()
