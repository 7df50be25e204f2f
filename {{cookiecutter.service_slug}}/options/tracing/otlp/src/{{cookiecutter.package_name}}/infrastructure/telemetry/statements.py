"""A span for each SQL statement (https://opentelemetry.io/docs/specs/semconv/database/database-spans/)."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

_tracer = trace.get_tracer("{{ cookiecutter.service_slug }}")
_nothing = nullcontext()
# The first of these says what a statement is for, also where a WITH comes before it.
_verb = re.compile(r"(?:WITH\b.*?)?\b(SELECT|INSERT|UPDATE|DELETE)\b|(\w+)", re.IGNORECASE)
_table = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN)\s+[`\"]?(\w+)", re.IGNORECASE)


def statement_span(system: str, statement: str) -> AbstractContextManager[None]:
    """Record a statement as long as the block lasts, if it is part of a trace that is recorded.

    What the service does by itself, such as looking for new messages, belongs to no trace and costs next to nothing.

    Args:
        system: the database, by OpenTelemetry's name for it.
        statement: its text, with placeholders instead of values: nobody's data gets into a span.
    """
    if not trace.get_current_span().is_recording():
        return _nothing
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
    """The span's name, such as `INSERT orders`, and its attributes."""
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
