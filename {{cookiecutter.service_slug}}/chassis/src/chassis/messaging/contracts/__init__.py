"""Contracts with other services: event types, their schemas, the envelope, and documents made from them."""

from .catalog import EventCatalog, EventSchema, EventType
from .envelope import Envelope, InvalidEnvelope, parse_envelope
from .serializer import EventSerializer

__all__ = [
    "Envelope",
    "EventCatalog",
    "EventSchema",
    "EventSerializer",
    "EventType",
    "InvalidEnvelope",
    "parse_envelope",
]
