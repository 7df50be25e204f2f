"""Why something happens: the request or the message that led to it. Whatever is published says so."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Self
from uuid import uuid4

_traceparent = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}\Z")
_tracestate = re.compile(r"[ -~]{1,512}\Z")


@dataclass(frozen=True, slots=True)
class Cause:
    """What the work at hand follows from.

    Args:
        correlation_id: of everything that began with the same request.
        causation_id: of the message that is being handled; of the request, where there is none.
        traceparent: where the work stands in a distributed trace (W3C Trace Context), None outside of one.
        tracestate: what tracing systems add to it; None if they add nothing.
    """

    correlation_id: str
    causation_id: str
    traceparent: str | None = None
    tracestate: str | None = None

    @classmethod
    def own(cls) -> Self:
        """The service does it by itself: a chain begins here."""
        id = str(uuid4())
        return cls(id, id)

    @classmethod
    def traced(cls, correlation_id: str, causation_id: str, traceparent: str | None, tracestate: str | None) -> Self:
        """With what somebody else says about the trace; what is not well-formed counts as not said."""
        if traceparent is None or not _traceparent.match(traceparent):
            return cls(correlation_id, causation_id)
        state = tracestate if tracestate is not None and _tracestate.match(tracestate) else None
        return cls(correlation_id, causation_id, traceparent, state)


_current: ContextVar[Cause | None] = ContextVar("cause", default=None)


def current_cause() -> Cause | None:
    """What the work at hand follows from; None for what the service does by itself."""
    return _current.get()


@contextmanager
def caused_by(cause: Cause) -> Iterator[None]:
    """Everything within the block follows from this."""
    token = _current.set(cause)
    try:
        yield
    finally:
        _current.reset(token)
