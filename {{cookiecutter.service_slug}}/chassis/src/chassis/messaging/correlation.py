"""Which request or message the work at hand follows from; published events carry it on.

Correlation and causation ids are the usual pair of message-driven systems; the trace context is W3C's
(https://www.w3.org/TR/trace-context/).
"""

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
class CorrelationContext:
    """The origin of the work at hand.

    Args:
        correlation_id: shared by everything that began with the same request.
        causation_id: of the message being handled; of the request, where there is none.
        traceparent: the place in a distributed trace (W3C Trace Context); None outside of one.
        tracestate: vendor data of tracing systems; None if there is none.
    """

    correlation_id: str
    causation_id: str
    traceparent: str | None = None
    tracestate: str | None = None

    @classmethod
    def new(cls) -> Self:
        """The start of a chain: the service acts on its own."""
        id = str(uuid4())
        return cls(id, id)

    @classmethod
    def received(cls, correlation_id: str, causation_id: str, traceparent: str | None, tracestate: str | None) -> Self:
        """From another party's headers or attributes; a malformed trace context counts as absent."""
        if traceparent is None or not _traceparent.match(traceparent):
            return cls(correlation_id, causation_id)
        state = tracestate if tracestate is not None and _tracestate.match(tracestate) else None
        return cls(correlation_id, causation_id, traceparent, state)


_current: ContextVar[CorrelationContext | None] = ContextVar("correlation", default=None)


def current_correlation() -> CorrelationContext | None:
    """The origin of the work at hand; None for what the service does on its own."""
    return _current.get()


@contextmanager
def correlated(context: CorrelationContext) -> Iterator[None]:
    """Work inside the block follows from this context."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)
