"""Spans of the tests, kept in memory."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chassis.testing.otlp.memory import recorded_spans


@pytest.fixture(autouse=True)
def spans() -> Iterator[InMemorySpanExporter]:
    """The spans that a test records."""
    recorded_spans().clear()
    yield recorded_spans()
    recorded_spans().clear()
