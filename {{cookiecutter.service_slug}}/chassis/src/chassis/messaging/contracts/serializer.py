"""Turns domain events into messages."""

import orjson

from ...caller import current_caller
from ...domain import DomainEvent, NewId
from ..correlation import CorrelationContext, current_correlation
from ..port import Message
from .catalog import EventCatalog, EventType


class EventSerializer:
    """Puts events into envelopes."""

    def __init__(self, catalog: EventCatalog, new_id: NewId) -> None:
        """Create a serializer.

        Args:
            catalog: the event types of the service.
            new_id: makes the ids of messages.
        """
        self.catalog = catalog
        self._new_id = new_id

    def __call__(self, event: DomainEvent) -> list[Message]:
        """The messages for an event, one for each major version, with the current correlation."""
        context = current_correlation() or CorrelationContext.new()
        return [self._message(event, type, context) for type in self.catalog.of(event.__class__)]

    def _message(self, event: DomainEvent, type: EventType, context: CorrelationContext) -> Message:
        id, key = str(self._new_id()), str(event.id)
        envelope = {
            "specversion": "1.0",
            "id": id,
            "source": self.catalog.source,
            "type": type.name,
            "subject": key,
            "time": event.occurred_at,
            "datacontenttype": "application/json",
            "dataschema": type.dataschema,
            "partitionkey": key,
            "aggregateversion": event.version,
            "correlationid": context.correlation_id,
            "causationid": context.causation_id,
        }
        actor = current_caller().subject
        if actor is not None:
            envelope["actor"] = actor
        if context.traceparent is not None:
            envelope["traceparent"] = context.traceparent
        if context.tracestate is not None:
            envelope["tracestate"] = context.tracestate
        envelope["data"] = type.schema.fill(event)
        return Message(id, type.name, key, orjson.dumps(envelope, option=orjson.OPT_UTC_Z))
