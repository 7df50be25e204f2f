"""Messages and entries for the suites, and other data that is stored in the same transactions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from ...database.port import Database, DatabaseTransaction, IdempotencyKey
from ...identity import new_id
from ...messaging.history.port import HistoryEntry
from ...messaging.outbox.port import Outbox, WaitingMessage
from ...messaging.port import Message

NOW = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
AGGREGATE = "invoice"
TYPE = f"billing-service.{AGGREGATE}.created"


def new_message(key: str = "one", number: int = 0, body: bytes = b"{}") -> Message:
    """A message whose id holds its number within its key."""
    return Message(f"{key}/{number}/{uuid4()}", TYPE, key, body)


def new_messages(count: int, keys: int = 1) -> list[Message]:
    """Messages of several keys in turn, each with its number within its key."""
    return [new_message(f"key-{number % keys}", number // keys) for number in range(count)]


def number_of(message: Message) -> int:
    """Its number within its key, from 0."""
    return int(message.id.split("/")[1])


def messages_of(waiting: Sequence[WaitingMessage]) -> list[Message]:
    """The messages without their times."""
    return [each.message for each in waiting]


def new_entry(id: UUID, version: int, data: dict[str, Any] | None = None, at: datetime = NOW) -> HistoryEntry:
    """An entry of an aggregate's history."""
    return HistoryEntry(
        event_id=new_id(),
        type=TYPE,
        aggregate=AGGREGATE,
        aggregate_id=id,
        version=version,
        occurred_at=at,
        data=data or {},
    )


async def enqueue(database: Database, outbox: Outbox, *messages: Message) -> None:
    """Enqueue messages in a transaction of their own."""
    async with database.begin() as transaction:
        await outbox.enqueue(transaction, messages)


class OtherData:
    """Stands for a service's own data: an idempotency key, because every database adapter stores those."""

    def __init__(self) -> None:
        self._key = IdempotencyKey(str(uuid4()), b"digest")

    async def store(self, transaction: DatabaseTransaction) -> None:
        """Store it."""
        assert await transaction.idempotency.claim(self._key) is None
        await transaction.idempotency.save_response(self._key, b"response", NOW)

    async def is_stored(self, database: Database) -> bool:
        """Whether a committed transaction has stored it."""
        async with database.begin() as transaction:
            return await transaction.idempotency.claim(self._key) is not None
