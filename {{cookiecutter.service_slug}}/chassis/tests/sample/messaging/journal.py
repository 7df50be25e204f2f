"""A consumer whose effect is not idempotent: handled twice, an event is in the journal twice.

The history would forgive that, as it skips what it knows. So this one shows whether the inbox keeps its promise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from chassis.database.port import sql
from chassis.messaging.contracts import Envelope, EventCatalog
from chassis.messaging.contracts.catalog import EventType
from chassis.messaging.inbox import EventHandler, HandlerContext, OutOfOrderEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalStatements:
    """SQL for its table."""

    last_version: str
    insert: str


def journal_handlers(catalog: EventCatalog, statements: JournalStatements) -> Mapping[str, EventHandler]:
    """A handler for every event type of the sample: adds a row, once the one before is there."""

    def handler(type: EventType) -> EventHandler:
        aggregate = type.schema.event.aggregate

        async def handle(context: HandlerContext, envelope: Envelope) -> None:
            assert envelope.subject is not None
            assert envelope.aggregateversion is not None
            transaction, id = sql(context.transaction), UUID(envelope.subject)
            [[last]] = await transaction.fetch(statements.last_version, aggregate, id)
            if envelope.aggregateversion > last + 1:
                raise OutOfOrderEvent(envelope.aggregateversion, last)
            await transaction.execute(statements.insert, aggregate, id, envelope.aggregateversion)

        return EventHandler(type.schema.major, type.schema.data, handle)

    return {type.name: handler(type) for type in catalog.types}
