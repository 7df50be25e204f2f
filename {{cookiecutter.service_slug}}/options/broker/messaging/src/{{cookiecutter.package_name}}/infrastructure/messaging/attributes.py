"""The attributes of the envelope, as JSON Schema says them: what CloudEvents 1.0 define, and three of our own."""

from collections.abc import Mapping
from typing import Any

from .schemas import SCHEMAS, SOURCE

Schema = dict[str, Any]
ID = "019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01"
EVENT_ID = "019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e02"
REQUEST_ID = "8f0c8f5e-7b1a-4a57-9c1d-0f4f4a1c2b3d"

# What every CloudEvent has, and what those of this service have beside that.
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
ATTRIBUTES: Mapping[str, Schema] = {
    "specversion": {"const": "1.0", "description": "version of CloudEvents"},
    "id": {
        "type": "string",
        "minLength": 1,
        "description": "of the event; the same when the message comes again",
        "examples": [EVENT_ID],
    },
    "source": {
        "type": "string",
        "minLength": 1,
        "description": "the service that it happened in",
        "examples": [SOURCE],
    },
    "type": {
        "type": "string",
        "minLength": 1,
        "description": "what has happened: `<service>.<entity>.<action>`",
        "examples": [SCHEMAS[0].type],
    },
    "subject": {
        "type": "string",
        "minLength": 1,
        "description": "id of the {{ cookiecutter.__noun }} that it happened to",
        "examples": [ID],
    },
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
        "examples": [SCHEMAS[0].dataschema],
    },
    "partitionkey": {
        "type": "string",
        "minLength": 1,
        "description": "events with the same key stay in order; here it is the subject",
        "examples": [ID],
    },
    "aggregateversion": {
        "type": "integer",
        "minimum": 1,
        "description": "version of the subject after the event: they count up by one, so a reader sees what is missing",
        "examples": [1],
    },
    "correlationid": {
        "type": "string",
        "minLength": 1,
        "description": "the same in everything that follows from one request, in logs too",
        "examples": [REQUEST_ID],
    },
    "causationid": {
        "type": "string",
        "minLength": 1,
        "description": "what it follows from directly: id of an event, or else of the request",
        "examples": [REQUEST_ID],
    },
    "traceparent": {
        "type": "string",
        "description": "place in a distributed trace (W3C Trace Context); absent outside of one",
        "examples": ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    },
    "tracestate": {
        "type": "string",
        "description": "what tracing systems add to it (W3C Trace Context)",
        "examples": ["vendor=opaque"],
    },
    "data": {"description": "what the event says"},
}
