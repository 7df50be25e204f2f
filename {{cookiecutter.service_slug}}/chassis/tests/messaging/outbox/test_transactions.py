"""The events of a transaction are enqueued in it."""

from collections.abc import Sequence

import pytest

from chassis.database.memory import MemoryDatabase
from chassis.database.port import DatabaseTransaction
from chassis.database.retries import Retries
from chassis.database.transactions import Transactions
from chassis.identity import new_id, utc_now
from chassis.messaging.contracts import EventSerializer
from chassis.messaging.outbox import OutboxTransactions
from chassis.messaging.port import Message
from chassis.messaging.storage.memory import MemoryOutbox
from tests.sample.domain.labels import Label
from tests.sample.messaging.contracts import CATALOG
from tests.sample.storage.memory import MemoryLabels


@pytest.fixture
def transactions(database: MemoryDatabase, outbox: MemoryOutbox) -> OutboxTransactions:
    """Its transactions."""
    return OutboxTransactions(Transactions(database, Retries()), outbox, EventSerializer(CATALOG, new_id))


async def test_events_are_enqueued_with_the_aggregate(
    database: MemoryDatabase, outbox: MemoryOutbox, transactions: OutboxTransactions
) -> None:
    label = Label.print(id=new_id(), text="fragile", at=utc_now())

    async def print_label(transaction: DatabaseTransaction) -> str:
        await MemoryLabels(database).within(transaction).add(label)
        return "printed"

    assert await transactions.run(print_label) == "printed"
    [waiting] = outbox.waiting
    assert (waiting.message.type, waiting.message.key) == ("warehouse-service.shipping-label.printed", str(label.id))


async def test_a_failed_step_enqueues_nothing(
    database: MemoryDatabase, outbox: MemoryOutbox, transactions: OutboxTransactions
) -> None:
    async def fail(transaction: DatabaseTransaction) -> None:
        label = Label.print(id=new_id(), text="fragile", at=utc_now())
        await MemoryLabels(database).within(transaction).add(label)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await transactions.run(fail)
    assert outbox.waiting == []


async def test_an_aggregate_whose_events_cannot_be_enqueued_is_not_stored(database: MemoryDatabase) -> None:
    class FullOutbox(MemoryOutbox):
        async def enqueue(self, transaction: DatabaseTransaction, messages: Sequence[Message]) -> None:
            del transaction, messages
            raise ZeroDivisionError

    transactions = OutboxTransactions(Transactions(database, Retries()), FullOutbox(), EventSerializer(CATALOG, new_id))
    label = Label.print(id=new_id(), text="fragile", at=utc_now())
    with pytest.raises(ZeroDivisionError):
        await transactions.run(lambda transaction: MemoryLabels(database).within(transaction).add(label))
    assert database.stored(Label) == {}
