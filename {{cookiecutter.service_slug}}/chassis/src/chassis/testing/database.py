"""Conformance suites for databases and repositories: each is written once and run over every adapter.

Subclass a suite in a test module, name the subclass `Test...`, and provide the fixtures that it asks for. Every test
needs an empty database of its own.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

import pytest

from ..database.port import Database, IdempotencyKey
from ..domain import Aggregate, NotFound, Store, VersionConflict
from ..errors import KeyInUse, KeyReused

A = TypeVar("A", bound=Aggregate[Any])
NOW = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
KEY = IdempotencyKey("key-1", b"digest of the request")
WRITERS = 50
# Far below the time limit for getting a connection, and far above what a round trip takes.
AT_ONCE_SECONDS = 0.4


async def add(database: Database, store: Store[A], *aggregates: A) -> None:
    """Store new aggregates in one transaction."""
    async with database.begin() as transaction:
        for each in aggregates:
            await store.within(transaction).add(each)


class RepositoryConformance(ABC, Generic[A]):
    """A repository of one kind of aggregate. Fixture: `database`, opened."""

    @abstractmethod
    def store(self, database: Database) -> Store[A]:
        """The adapter."""

    @abstractmethod
    def new(self) -> A:
        """A new aggregate with an id of its own, not stored. Give every field a value, and texts odd characters."""

    @abstractmethod
    def change(self, aggregate: A) -> None:
        """Change an aggregate so that it records one event; must be possible any number of times."""

    async def test_finds_what_was_stored(self, database: Database) -> None:
        store, stored = self.store(database), self.new()
        await add(database, store, stored)
        assert await store.find(stored.id) == stored

    async def test_raises_not_found(self, database: Database) -> None:
        store = self.store(database)
        with pytest.raises(NotFound):
            await store.find(uuid4())
        with pytest.raises(NotFound):
            async with database.begin() as transaction:
                await store.within(transaction).get(uuid4())

    async def test_stores_changes_with_their_version(self, database: Database) -> None:
        store, stored = self.store(database), self.new()
        await add(database, store, stored)
        async with database.begin() as transaction:
            changed = await store.within(transaction).get(stored.id)
            self.change(changed)
            self.change(changed)
            await store.within(transaction).save(changed)
        found = await store.find(stored.id)
        assert found == changed
        assert found.version == 3

    async def test_saving_without_a_change_is_not_a_conflict(self, database: Database) -> None:
        store, stored = self.store(database), self.new()
        await add(database, store, stored)
        async with database.begin() as transaction:
            await store.within(transaction).save(await store.within(transaction).get(stored.id))
        assert await store.find(stored.id) == stored

    async def test_a_transaction_sees_its_own_changes(self, database: Database) -> None:
        store, stored = self.store(database), self.new()
        async with database.begin() as transaction:
            await store.within(transaction).add(stored)
            self.change(stored)
            await store.within(transaction).save(stored)
            assert await store.within(transaction).get(stored.id) == stored

    async def test_collects_the_events_of_what_it_stored(self, database: Database) -> None:
        store, stored = self.store(database), self.new()
        async with database.begin() as transaction:
            await store.within(transaction).add(stored)
            self.change(stored)
            await store.within(transaction).save(stored)
        assert [(event.id, event.version) for event in transaction.events] == [(stored.id, 1), (stored.id, 2)]

    async def test_stores_nothing_of_a_failed_transaction(self, database: Database) -> None:
        store, stored, lost = self.store(database), self.new(), self.new()
        await add(database, store, stored)
        with pytest.raises(RuntimeError):
            async with database.begin() as transaction:
                changed = await store.within(transaction).get(stored.id)
                self.change(changed)
                await store.within(transaction).save(changed)
                await store.within(transaction).add(lost)
                raise RuntimeError
        assert (await store.find(stored.id)).version == 1
        with pytest.raises(NotFound):
            await store.find(lost.id)

    async def test_refuses_a_change_to_an_outdated_version(self, database: Database) -> None:
        store, stored = self.store(database), self.new()
        await add(database, store, stored)
        mine, theirs = await store.find(stored.id), await store.find(stored.id)
        self.change(theirs)
        async with database.begin() as transaction:
            await store.within(transaction).save(theirs)
        self.change(mine)
        with pytest.raises(VersionConflict) as conflict:
            async with database.begin() as transaction:
                await store.within(transaction).save(mine)
        assert conflict.value.version == 2
        assert await store.find(stored.id) == theirs

    async def test_loses_no_update_of_many_writers(self, database: Database) -> None:
        store, stored = self.store(database), self.new()
        await add(database, store, stored)

        async def write() -> None:
            async with database.begin() as transaction:
                mine = await store.within(transaction).get(stored.id)
                self.change(mine)
                await store.within(transaction).save(mine)

        await asyncio.gather(*(write() for _ in range(WRITERS)))
        assert (await store.find(stored.id)).version == 1 + WRITERS

    def test_matches_a_model_in_random_histories(self, closed_database: Database) -> None:
        """Fixture `closed_database`: not opened yet, because connections belong to the loop that opened them."""
        from .histories import run_histories  # needs hypothesis, which the other tests do not

        run_histories(closed_database, self.store(closed_database), self.new, self.change)


class PagingConformance(ABC, Generic[A]):
    """Keyset pagination, the newest first. Fixture: `database`, opened."""

    @abstractmethod
    def store(self, database: Database) -> Store[A]:
        """The adapter."""

    @abstractmethod
    def new(self) -> A:
        """A new aggregate with a UUIDv7 of its own, not stored."""

    @abstractmethod
    async def page(self, store: Any, after: UUID | None, limit: int) -> Sequence[A]:
        """At most `limit` aggregates, those after a given id."""

    async def test_pages_through_everything_once_newest_first(self, database: Database) -> None:
        store, all_new = self.store(database), [self.new() for _ in range(7)]
        await add(database, store, *all_new)
        seen: list[UUID] = []
        while page := await self.page(store, seen[-1] if seen else None, 3):
            seen += [each.id for each in page]
            await add(database, store, self.new())  # arrives before the first page and must not shift the next one
        assert seen == sorted((each.id for each in all_new), reverse=True)

    async def test_returns_no_more_than_the_limit(self, database: Database) -> None:
        store = self.store(database)
        await add(database, store, self.new(), self.new(), self.new())
        assert len(await self.page(store, None, 2)) == 2


class IdempotencyConformance:
    """The idempotency keys of a database. Fixture: `database`, opened."""

    async def test_returns_a_saved_response(self, database: Database) -> None:
        async with database.begin() as transaction:
            assert await transaction.idempotency.claim(KEY) is None
            await transaction.idempotency.save_response(KEY, b"the \0 response", NOW)
        async with database.begin() as transaction:
            assert await transaction.idempotency.claim(KEY) == b"the \0 response"

    async def test_saves_nothing_in_a_failed_transaction(self, database: Database) -> None:
        with pytest.raises(RuntimeError):
            async with database.begin() as transaction:
                await transaction.idempotency.claim(KEY)
                await transaction.idempotency.save_response(KEY, b"response", NOW)
                raise RuntimeError
        async with database.begin() as transaction:
            assert await transaction.idempotency.claim(KEY) is None

    async def test_refuses_a_key_of_another_request(self, database: Database) -> None:
        async with database.begin() as transaction:
            await transaction.idempotency.claim(KEY)
            await transaction.idempotency.save_response(KEY, b"response", NOW)
        with pytest.raises(KeyReused):
            async with database.begin() as transaction:
                await transaction.idempotency.claim(IdempotencyKey(KEY.value, b"another digest"))

    async def test_refuses_a_concurrent_duplicate_without_waiting(self, database: Database) -> None:
        async with database.begin() as first:
            await first.idempotency.claim(KEY)
            with pytest.raises(KeyInUse):
                async with database.begin() as second:
                    await second.idempotency.claim(KEY)
            await first.idempotency.save_response(KEY, b"response", NOW)
        async with database.begin() as third:
            assert await third.idempotency.claim(KEY) == b"response"

    async def test_of_concurrent_duplicates_one_has_the_effect(self, database: Database) -> None:
        async def request() -> bytes:
            async with database.begin() as transaction:
                if (saved := await transaction.idempotency.claim(KEY)) is not None:
                    return saved
                response = uuid4().bytes
                await transaction.idempotency.save_response(KEY, response, NOW)
                return response

        outcomes = await asyncio.gather(*(request() for _ in range(WRITERS)), return_exceptions=True)
        assert {type(each) for each in outcomes} <= {bytes, KeyInUse}
        assert len({each for each in outcomes if isinstance(each, bytes)}) == 1

    async def test_purges_only_expired_responses(self, database: Database) -> None:
        young = IdempotencyKey("key-2", b"digest")
        async with database.begin() as transaction:
            await transaction.idempotency.claim(KEY)
            await transaction.idempotency.save_response(KEY, b"old", NOW)
            await transaction.idempotency.claim(young)
            await transaction.idempotency.save_response(young, b"young", NOW + timedelta(hours=2))
        assert await database.purge_idempotency_keys(NOW + timedelta(hours=1)) == 1
        async with database.begin() as transaction:
            assert await transaction.idempotency.claim(KEY) is None
            assert await transaction.idempotency.claim(young) == b"young"

    async def test_is_healthy_and_returns_its_connections(self, database: Database) -> None:
        await database.check()
        assert database.usage().in_use == 0

    async def test_a_check_does_not_wait_behind_requests(self, database: Database) -> None:
        await database.check()
        async with AsyncExitStack() as requests:
            for _ in range(database.usage().limit):
                await requests.enter_async_context(database.begin())
            async with asyncio.timeout(AT_ONCE_SECONDS):
                await database.check()
