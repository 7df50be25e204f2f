"""The in-memory database makes the same guarantees as a real one."""

from collections.abc import AsyncIterator

import pytest

from chassis.database.memory import MemoryDatabase
from chassis.database.port import Database
from chassis.domain import Store
from chassis.testing.audit import AuditConformance
from chassis.testing.database import IdempotencyConformance
from tests.sample.domain.parcels import Parcel
from tests.sample.storage.memory import MemoryParcels
from tests.support.parcels import ParcelConformance, ParcelPagingConformance, new_parcel


@pytest.fixture
def closed_database() -> MemoryDatabase:
    """Not opened."""
    return MemoryDatabase()


@pytest.fixture
async def database(closed_database: MemoryDatabase) -> AsyncIterator[MemoryDatabase]:
    """Opened."""
    await closed_database.open()
    yield closed_database
    await closed_database.close()


def parcels(database: Database) -> MemoryParcels:
    """The adapter."""
    assert isinstance(database, MemoryDatabase)
    return MemoryParcels(database)


class TestMemoryParcels(ParcelConformance):
    """The generic repository."""

    def store(self, database: Database) -> Store[Parcel]:
        """The adapter."""
        return parcels(database)


class TestMemoryPaging(ParcelPagingConformance):
    """Its pages."""

    def store(self, database: Database) -> Store[Parcel]:
        """The adapter."""
        return parcels(database)


class TestMemoryIdempotency(IdempotencyConformance):
    """Its idempotency keys."""


class TestMemoryAudit(AuditConformance):
    """Its audit log."""


async def test_a_name_is_held_until_the_transaction_ends(database: MemoryDatabase) -> None:
    async with database.begin() as first, database.begin() as second:
        assert first.hold("name")
        assert not second.hold("name")
    async with database.begin() as third:
        assert third.hold("name")


async def test_effects_happen_at_commit_only(database: MemoryDatabase) -> None:
    effects: list[int] = []
    with pytest.raises(RuntimeError):
        async with database.begin() as failing:
            failing.at_commit(lambda: effects.append(1))
            raise RuntimeError
    async with database.begin() as transaction:
        transaction.at_commit(lambda: effects.append(2))
        assert effects == []
    assert effects == [2]


async def test_refuses_a_transaction_of_another_database(database: MemoryDatabase) -> None:
    with pytest.raises(TypeError):
        MemoryParcels(database).within(object())  # type: ignore[arg-type]


async def test_a_caller_cannot_change_what_is_stored(database: MemoryDatabase) -> None:
    store, stored = MemoryParcels(database), new_parcel()
    async with database.begin() as transaction:
        await store.within(transaction).add(stored)
    (await store.find(stored.id)).quantity = stored.quantity.__class__(99)
    store.all()[0].quantity = stored.quantity.__class__(99)
    assert (await store.find(stored.id)) == stored
    assert store.all() == [stored]
