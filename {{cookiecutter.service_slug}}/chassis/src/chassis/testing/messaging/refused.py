"""Conformance suite for the outbox while the broker refuses messages again and again."""

from time import monotonic
from zlib import crc32

import pytest
from prometheus_client import CollectorRegistry

from ...database.port import Database
from ...identity import utc_now
from ...messaging.outbox.metrics import OutboxMetrics
from ...messaging.outbox.relay import Relay
from ...messaging.port import Message
from ...messaging.storage.port import MessageStorage
from ..brokers import eventually
from .relays import FailingBroker, relaying
from .storage import enqueue, messages_of, new_message, new_messages

LANES = 16  # of those adapters that have any
LANES_OF_ONE_RELAY = 4
BATCH = 20
PROMPT_SECONDS = 5.0  # many batches, but only a few pauses


def keys_in_lanes(count: int) -> list[str]:
    """Keys of which no two are in the same lane."""
    keys: dict[int, str] = {}
    for number in range(1_000):
        key = f"refused-{number}"
        keys.setdefault(crc32(key.encode()) % LANES, key)
    return list(keys.values())[:count]


class RefusedMessages:
    """A refused message holds up those that follow on it, and no others."""

    @pytest.fixture
    def broker(self) -> FailingBroker:
        """A broker that works until a test changes that."""
        return FailingBroker()

    @pytest.fixture
    def relay(self, storage: MessageStorage, broker: FailingBroker) -> Relay:
        """A relay with small batches."""
        return Relay(storage.outbox, broker, OutboxMetrics(CollectorRegistry()), BATCH, utc_now)

    async def published(self, broker: FailingBroker, count: int) -> None:
        """Wait until this many messages are published."""
        await eventually(lambda: len(broker.published) == count)

    @pytest.mark.parametrize("limit", [1, 3, 50])
    async def test_skips_keys(self, database: Database, storage: MessageStorage, limit: int) -> None:
        skipped = [*keys_in_lanes(LANES), 'it\'s, \\ "one"', "Größe"]
        others = [new_message(key) for key in ("its, one", "größe", "other", "groesse ")]
        await enqueue(database, storage.outbox, *map(new_message, skipped), *others, *map(new_message, skipped))
        claimed: list[Message] = []
        while len(claimed) < len(others):
            async with storage.outbox.claim(limit, skipped) as batch:
                assert 1 <= len(batch.waiting) <= limit
                claimed += messages_of(batch.waiting)
                await batch.remove({each.message.id for each in batch.waiting})
        assert sorted(message.id for message in claimed) == sorted(message.id for message in others)
        async with storage.outbox.claim(limit, skipped) as batch:
            assert not batch.waiting
        assert (await storage.outbox.backlog(100)).count == 2 * len(skipped)

    @pytest.mark.parametrize("raises", [True, False])
    async def test_a_refused_message_holds_up_only_those_that_follow_on_it(
        self, database: Database, storage: MessageStorage, broker: FailingBroker, relay: Relay, raises: bool
    ) -> None:
        refused = [new_message(key) for key in keys_in_lanes(LANES_OF_ONE_RELAY)]
        followers = [new_message(each.key, number) for number in range(1, BATCH + 1) for each in refused]
        others = new_messages(400, keys=100)
        broker.raises = raises
        broker.refused = {each.id for each in refused}
        await enqueue(database, storage.outbox, *refused, *followers, *others)
        begun = monotonic()
        async with relaying(relay):
            await self.published(broker, len(others))
            assert monotonic() - begun < PROMPT_SECONDS
            assert sorted(broker.ids) == sorted(each.id for each in others)
            broker.refused.clear()
            await self.published(broker, len(refused + followers + others))
        for each in [*refused, *others]:
            sent = [message.id for message in [*refused, *followers, *others] if message.key == each.key]
            assert [message.id for message in broker.published if message.key == each.key] == sent

    async def test_new_messages_are_published_promptly_while_others_are_refused(
        self, database: Database, storage: MessageStorage, broker: FailingBroker, relay: Relay
    ) -> None:
        refused = [new_message(key) for key in keys_in_lanes(LANES)]
        broker.refused = {each.id for each in refused}
        await enqueue(database, storage.outbox, *refused)
        begun = monotonic()
        async with relaying(relay):
            for count in range(1, 11):
                await enqueue(database, storage.outbox, new_message())
                await self.published(broker, count)
        assert monotonic() - begun < PROMPT_SECONDS
