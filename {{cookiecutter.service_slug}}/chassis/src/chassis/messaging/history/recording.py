"""Records the history of each aggregate from the events that the service publishes."""

from collections.abc import Mapping
from uuid import UUID

from ...database.port import DatabaseTransaction
from ..contracts.catalog import EventCatalog, EventType
from ..contracts.envelope import Envelope, InvalidEnvelope
from ..inbox.handlers import EventHandler, HandlerContext, OutOfOrderEvent
from .port import History, HistoryEntry


class RecordHistory:
    """Keeps the history in order and without gaps, whatever the order of events."""

    def __init__(self, history: History) -> None:
        self._history = history

    async def __call__(self, transaction: DatabaseTransaction, entry: HistoryEntry) -> None:
        """Append an entry, unless its version is recorded already. Raises OutOfOrderEvent."""
        last = await self._history.last_version(transaction, entry.aggregate, entry.aggregate_id)
        if entry.version > last + 1:
            raise OutOfOrderEvent(entry.version, last)
        if entry.version > last:
            await self._history.append(transaction, entry)


def history_handlers(catalog: EventCatalog, history: History) -> Mapping[str, EventHandler]:
    """A handler for every event type of a service, for the subscription of its history.

    Every type, because the history accepts no gaps. Of an event with several major versions, the first one to arrive
    is recorded; so none is missed while versions are added or removed.

    Args:
        catalog: the event types of the service.
        history: where they are recorded.
    """
    record = RecordHistory(history)

    def handler(type: EventType) -> EventHandler:
        async def handle(context: HandlerContext, envelope: Envelope) -> None:
            await record(context.transaction, _entry(type.schema.event.aggregate, envelope))

        return EventHandler(type.schema.major, type.schema.data, handle)

    return {type.name: handler(type) for type in catalog.types}


def _entry(aggregate: str, envelope: Envelope) -> HistoryEntry:
    """The event as an entry. Raises InvalidEnvelope for one that this service cannot have published."""
    if envelope.subject is None or envelope.aggregateversion is None or envelope.time is None:
        raise InvalidEnvelope("subject, aggregateversion and time are needed for the history")
    try:
        event_id, aggregate_id = UUID(envelope.id), UUID(envelope.subject)
    except ValueError:
        raise InvalidEnvelope("id and subject must be UUIDs for the history") from None
    return HistoryEntry(
        event_id=event_id,
        type=envelope.type,
        aggregate=aggregate,
        aggregate_id=aggregate_id,
        version=envelope.aggregateversion,
        occurred_at=envelope.time,
        data=envelope.data or {},
    )
