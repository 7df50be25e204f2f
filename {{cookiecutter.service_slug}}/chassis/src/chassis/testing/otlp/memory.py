"""Keeps the spans of a test process in memory."""

from functools import cache

from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ...telemetry.otlp.sdk import create_provider
from ...telemetry.otlp.settings import TracingSettings


@cache
def recorded_spans() -> InMemorySpanExporter:
    """The spans recorded from the first call on; a process can set its tracer provider only once."""
    exporter = InMemorySpanExporter()
    provider = create_provider(TracingSettings(), {})
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter
