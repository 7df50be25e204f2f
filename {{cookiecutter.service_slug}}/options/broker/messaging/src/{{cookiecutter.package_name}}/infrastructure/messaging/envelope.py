"""What travels: CloudEvents 1.0 in structured JSON (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md).

Extensions: `partitionkey` and `traceparent` as CloudEvents define them; `correlationid`, `causationid` and
`aggregateversion`, the version of the aggregate after the event, are ours.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from ...domain.causality import Cause, current_cause
from ...domain.events import {{ cookiecutter.__Entity }}Event
from ...domain.ports import NewId
from .port import Message
from .schemas import SCHEMAS, SOURCE, EventSchema, by_event

# CloudEvents allow no control characters in attributes; databases and logs would not take them either.
Text = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
MAX_INTEGER = 2**31 - 1
DEFAULT_VERSION = 1

_version = re.compile(r"urn:.+:([0-9]{1,6})\.[0-9]+\Z", re.DOTALL)


class InvalidEnvelope(ValueError):
    """This is no CloudEvent, or not one that can be used here; says which attribute is wrong."""


class Envelope(BaseModel):
    """A CloudEvent that came in. What it holds beyond these attributes is left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    specversion: Literal["1.0"]
    id: Text
    source: Text
    type: Text
    subject: Text | None = None
    time: AwareDatetime | None = None
    dataschema: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    correlationid: Text | None = None
    causationid: Text | None = None
    aggregateversion: int | None = Field(None, ge=1, le=MAX_INTEGER)
    data: Any = None

    @property
    def identity(self) -> str:
        """Tells it from every other event: an id is unique among those of its source (CloudEvents 1.0)."""
        return f"{self.source} {self.id}"

    @property
    def major(self) -> int:
        """Major version of its schema: of `urn:...:1.0` it is 1, and so it is where no version is given."""
        found = _version.match(self.dataschema or "")
        return int(found[1]) if found else DEFAULT_VERSION

    @property
    def cause(self) -> Cause:
        """What follows from this event follows from that."""
        return Cause.traced(self.correlationid or self.id, self.id, self.traceparent, self.tracestate)


def read(body: bytes) -> Envelope:
    """The event in a message. Raises InvalidEnvelope, whatever the message is."""
    try:
        if b"NaN" in body or b"Infinity" in body:  # for pydantic they are numbers, JSON knows neither
            from_json(body, allow_inf_nan=False)
        return Envelope.model_validate_json(body)
    except ValidationError as error:
        raise InvalidEnvelope(f"no CloudEvent: {problems(error)}") from None
    except ValueError:
        raise InvalidEnvelope("no CloudEvent: body: Invalid JSON: NaN or Infinity") from None


def problems(error: ValidationError) -> str:
    """What is wrong, field by field, without the values: they may be nobody's business."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in found[:5])


class Packer:
    """Puts events into envelopes."""

    def __init__(self, new_id: NewId, schemas: Sequence[EventSchema] = SCHEMAS) -> None:
        """Takes what makes the id of an event, and how events look."""
        self._new_id = new_id
        self._schemas = by_event(schemas)

    def __call__(self, event: {{ cookiecutter.__Entity }}Event) -> list[Message]:
        """The messages for an event, one for each major version of it, caused by the work at hand."""
        cause = current_cause() or Cause.own()
        return [self._pack(event, schema, cause) for schema in self._schemas[type(event)]]

    def _pack(self, event: {{ cookiecutter.__Entity }}Event, schema: EventSchema, cause: Cause) -> Message:
        id, key = str(self._new_id()), str(event.id)
        envelope = {
            "specversion": "1.0",
            "id": id,
            "source": SOURCE,
            "type": schema.type,
            "subject": key,
            "time": event.occurred_at,
            "datacontenttype": "application/json",
            "dataschema": schema.dataschema,
            "partitionkey": key,
            "aggregateversion": event.version,
            "correlationid": cause.correlation_id,
            "causationid": cause.causation_id,
        }
        if cause.traceparent is not None:
            envelope["traceparent"] = cause.traceparent
        if cause.tracestate is not None:
            envelope["tracestate"] = cause.tracestate
        envelope["data"] = schema.fill(event)
        return Message(id, schema.type, key, orjson.dumps(envelope, option=orjson.OPT_UTC_Z))
