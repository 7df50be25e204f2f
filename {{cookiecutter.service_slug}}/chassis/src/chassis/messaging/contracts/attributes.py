"""The attributes of the envelope as JSON Schema: those of CloudEvents 1.0, and four of the chassis' own."""

from collections.abc import Mapping
from typing import Any

from .catalog import EventCatalog

Schema = dict[str, Any]
ID = "019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01"
EVENT_ID = "019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e02"
REQUEST_ID = "8f0c8f5e-7b1a-4a57-9c1d-0f4f4a1c2b3d"

# Of every CloudEvent, and of those that this service publishes.
REQUIRED = ["specversion", "id", "source", "type"]
ALWAYS_SENT = [
    *REQUIRED,
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "partitionkey",
    "aggregateversion",
    "correlationid",
    "causationid",
    "data",
]


def attributes(catalog: EventCatalog) -> Mapping[str, Schema]:
    """The attributes, with examples of the service."""
    first = catalog.types[0]
    return {
        "specversion": {"const": "1.0", "description": "version of CloudEvents"},
        "id": _text("id of the event; a redelivered message has the same", EVENT_ID),
        "source": _text("the service in which it happened", catalog.source),
        "type": _text("what happened: `<service>.<aggregate>.<action>`", first.name),
        "subject": _text("id of the aggregate that it happened to", ID),
        "time": {
            "type": "string",
            "format": "date-time",
            "description": "when it happened",
            "examples": ["2026-01-31T09:30:00.123456Z"],
        },
        "datacontenttype": {"type": "string", "description": "of `data`", "examples": ["application/json"]},
        "dataschema": {
            "type": "string",
            "format": "uri",
            "description": "the schema of `data`; ends in its version, major and minor",
            "examples": [first.dataschema],
        },
        "partitionkey": _text("events with the same key stay in order; here it is the subject", ID),
        "aggregateversion": {
            "type": "integer",
            "minimum": 1,
            "description": "version of the aggregate after the event; it grows by one, so a reader notices a gap",
            "examples": [1],
        },
        "correlationid": _text("shared by everything that follows from one request, also in logs", REQUEST_ID),
        "causationid": _text("direct cause: id of an event, or else of the request", REQUEST_ID),
        # Without an example, so that examples of events are the same in services of all kinds.
        "actor": {
            "type": "string",
            "minLength": 1,
            "description": "subject of the caller that caused it; absent if the caller did not authenticate",
        },
        "traceparent": {
            "type": "string",
            "description": "place in a distributed trace (W3C Trace Context); absent outside of one",
            "examples": ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
        },
        "tracestate": {
            "type": "string",
            "description": "vendor data of tracing systems (W3C Trace Context)",
            "examples": ["vendor=opaque"],
        },
        "data": {"description": "the data of the event"},
    }


def _text(description: str, example: str) -> Schema:
    return {"type": "string", "minLength": 1, "description": description, "examples": [example]}
