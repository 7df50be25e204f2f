"""The envelope of a message: CloudEvents 1.0 in structured JSON.

See https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md. Extensions: `partitionkey` and `traceparent` as
CloudEvents defines them; `correlationid`, `causationid`, `actor` (the subject of the caller that caused it) and
`aggregateversion` (of the aggregate after the event) are the chassis' own.
"""

import re
from codecs import BOM_UTF8
from typing import Annotated, Any, Literal

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from ..correlation import CorrelationContext

# CloudEvents allows no control characters in attributes; databases and logs would not accept them either.
Text = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
MAX_INTEGER = 2**31 - 1
DEFAULT_VERSION = 1

_long_number = re.compile(rb"[0-9]{19}")
_version = re.compile(r"urn:.+:([0-9]{1,6})\.[0-9]+\Z", re.DOTALL)


class InvalidEnvelope(ValueError):
    """A message is not a CloudEvent, or not one that its handler can use; names the attribute that is wrong."""


class Envelope(BaseModel):
    """A received CloudEvent. Attributes beyond these are ignored."""

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
    actor: Text | None = None
    aggregateversion: int | None = Field(None, ge=1, le=MAX_INTEGER)
    data: Any = None

    @property
    def identity(self) -> str:
        """Unique among all events: an id is unique within its source (CloudEvents 1.0)."""
        return f"{self.source} {self.id}"

    @property
    def major(self) -> int:
        """Major version of its schema: 1 for `urn:...:1.0`, and for a schema without a version."""
        found = _version.match(self.dataschema or "")
        return int(found[1]) if found else DEFAULT_VERSION

    @property
    def correlation(self) -> CorrelationContext:
        """The context of everything that follows from this event."""
        return CorrelationContext.received(self.correlationid or self.id, self.id, self.traceparent, self.tracestate)


def parse_envelope(body: bytes) -> Envelope:
    """The event in a message. Raises InvalidEnvelope, whatever the message holds."""
    if body.startswith(BOM_UTF8):
        raise InvalidEnvelope("not a CloudEvent: body: begins with a byte order mark, which JSON does not allow")
    try:
        if b"NaN" in body or b"Infinity" in body:  # numbers for pydantic, but not valid JSON
            from_json(body, allow_inf_nan=False)
        envelope = Envelope.model_validate_json(body)
    except ValidationError as error:
        raise InvalidEnvelope(f"not a CloudEvent: {problems(error)}") from None
    except ValueError:
        raise InvalidEnvelope("not a CloudEvent: body: Invalid JSON: NaN or Infinity") from None
    if _long_number.search(body):
        _refuse_large_numbers(envelope)
    return envelope


def _refuse_large_numbers(envelope: Envelope) -> None:
    """No database column and no other parser of the field holds them; storing one would fail again and again."""
    try:
        orjson.dumps(envelope.data)
    except orjson.JSONEncodeError:
        raise InvalidEnvelope("not a CloudEvent: data: a number has more than 64 bits") from None


def problems(error: ValidationError) -> str:
    """The validation errors, without any value: a message may hold anything."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in found[:5])
