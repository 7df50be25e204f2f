"""What becomes of the rest while the broker refuses an event again and again, on every database."""

from time import monotonic
from zlib import crc32

import pytest

from {{ cookiecutter.package_name }}.infrastructure.database.port import Database
from {{ cookiecutter.package_name }}.infrastructure.identity import utc_now
from {{ cookiecutter.package_name }}.infrastructure.messaging.metrics import RelayMetrics
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Message
from {{ cookiecutter.package_name }}.infrastructure.messaging.relay import Relay
from {{ cookiecutter.package_name }}.infrastructure.messaging.store import MessageStore
from {{ cookiecutter.package_name }}.infrastructure.telemetry.metrics import create_registry

from .bookkeeping import MessageStoreFixtures
from .deliveries import until
from .outboxes import letter, letters, messages_of
from .relays import FailingBroker, relaying

LANES = 16  # of those databases that have any
AT_ONCE = 4  # what one relay holds of them
BATCH = 20
PROMPT_SECONDS = 5.0  # many batches, but fewer than a handful of pauses


def keys_in_lanes(count: int) -> list[str]:
    """So many keys, no two of them in one lane."""
    keys: dict[int, str] = {}
    for number in range(1_000):
        key = f"refused-{number}"
        keys.setdefault(crc32(key.encode()) % LANES, key)
    return list(keys.values())[:count]


class RefusalContract(MessageStoreFixtures):
    """What is refused holds up what follows on it, and nothing else."""

    @pytest.fixture
    def broker(self) -> FailingBroker:
        """One that works, until it is told otherwise."""
        return FailingBroker()

    @pytest.fixture
    def relay(self, messages: MessageStore, broker: FailingBroker) -> Relay:
        """One that takes a few at a time."""
        return Relay(messages, broker, RelayMetrics(create_registry()), BATCH, utc_now)

    async def enqueue(self, database: Database, messages: MessageStore, *added: Message) -> None:
        """Put messages into the outbox in a transaction of their own."""
        async with database.begin() as work:
            await messages.within(work).enqueue(added)

    async def published(self, broker: FailingBroker, count: int) -> None:
        """Wait until so many are out."""
        await until(lambda: len(broker.published) == count)

    @pytest.mark.parametrize("limit", [1, 3, 50])
    async def test_keys_that_are_left_out_are_passed_over(
        self, database: Database, messages: MessageStore, limit: int
    ) -> None:
        left_out = [*keys_in_lanes(LANES), 'it\'s, \\ "one"', "Größe"]
        others = [letter(key) for key in ("its, one", "größe", "other", "groesse ")]
        await self.enqueue(database, messages, *map(letter, left_out), *others, *map(letter, left_out))
        taken: list[Message] = []
        while len(taken) < len(others):
            async with messages.take(limit, left_out) as batch:
                assert 1 <= len(batch.waiting) <= limit
                taken += messages_of(batch.waiting)
                await batch.remove({each.message.id for each in batch.waiting})
        assert sorted(message.id for message in taken) == sorted(message.id for message in others)
        async with messages.take(limit, left_out) as batch:
            assert not batch.waiting
        assert (await messages.backlog(100)).count == 2 * len(left_out)

    @pytest.mark.parametrize("raises", [True, False])
    async def test_what_is_refused_holds_up_only_what_follows_on_it(
        self, database: Database, messages: MessageStore, broker: FailingBroker, relay: Relay, raises: bool
    ) -> None:
        refused = [letter(key) for key in keys_in_lanes(AT_ONCE)]
        followers = [letter(each.key, number) for number in range(1, BATCH + 1) for each in refused]
        others = letters(400, keys=100)
        broker.raises = raises
        broker.refused = {each.id for each in refused}
        await self.enqueue(database, messages, *refused, *followers, *others)
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

    async def test_new_events_go_out_promptly_while_others_are_refused(
        self, database: Database, messages: MessageStore, broker: FailingBroker, relay: Relay
    ) -> None:
        refused = [letter(key) for key in keys_in_lanes(LANES)]
        broker.refused = {each.id for each in refused}
        await self.enqueue(database, messages, *refused)
        begun = monotonic()
        async with relaying(relay):
            for count in range(1, 11):
                await self.enqueue(database, messages, letter())
                await self.published(broker, count)
        assert monotonic() - begun < PROMPT_SECONDS
