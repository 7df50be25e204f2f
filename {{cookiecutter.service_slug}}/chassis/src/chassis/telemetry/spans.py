"""Spans of the work at hand, by OpenTelemetry's API: a span for each SQL statement, links from logs and metrics.

https://opentelemetry.io/docs/specs/semconv/database/database-spans/
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from structlog.typing import EventDict, WrappedLogger

_tracer = trace.get_tracer("chassis")
_no_span = nullcontext()
# The first of these is the statement's purpose, also where a WITH comes before it.
_verb = re.compile(r"(?:WITH\b.*?)?\b(SELECT|INSERT|UPDATE|DELETE)\b|(\w+)", re.IGNORECASE)
_table = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN)\s+[`\"]?(\w+)", re.IGNORECASE)


def exemplar() -> dict[str, str] | None:
    """The current trace, for metrics to link to (OpenMetrics exemplars); None if it is not recorded."""
    context = trace.get_current_span().get_span_context()
    return {"trace_id": trace.format_trace_id(context.trace_id)} if context.trace_flags.sampled else None


def trace_ids(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Add the ids of the current trace and span to a log line: a processor for structlog."""
    del logger, name
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def statement_span(system: str, statement: str) -> AbstractContextManager[None]:
    """Record a statement as a span around the block, if it is part of a trace that is recorded.

    What the service does on its own, such as polling for new messages, belongs to no trace and costs next to nothing.

    Args:
        system: the database, by OpenTelemetry's name for it.
        statement: its text, with placeholders instead of values, so that no client's data gets into a span.
    """
    if not trace.get_current_span().is_recording():
        return _no_span
    return _span(system, statement)


@contextmanager
def _span(system: str, statement: str) -> Iterator[None]:
    name, attributes = _described(system, statement)
    with _tracer.start_as_current_span(
        name,
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,  # its message could hold values
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except Exception as error:
            span.set_status(StatusCode.ERROR)
            span.set_attribute("error.type", f"{type(error).__module__}.{type(error).__qualname__}")
            raise


@lru_cache(maxsize=256)
def _described(system: str, statement: str) -> tuple[str, dict[str, str]]:
    """The span's name, such as `INSERT accounts`, and its attributes."""
    text = " ".join(statement.split())
    verb = _verb.match(text)
    operation = (verb[1] or verb[2]).upper() if verb else "UNKNOWN"
    attributes = {"db.system.name": system, "db.operation.name": operation, "db.query.text": text}
    name = operation
    if table := _table.search(text):
        attributes["db.collection.name"] = table[1]
        name = f"{operation} {table[1]}"
    attributes["db.query.summary"] = name
    return name, attributes
