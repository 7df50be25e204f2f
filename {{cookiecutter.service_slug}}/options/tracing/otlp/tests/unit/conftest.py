"""Spans of the tests, kept in memory."""

from collections.abc import Iterator
from functools import cache

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from {{ cookiecutter.package_name }}.config.tracing import TracingSettings
from {{ cookiecutter.package_name }}.infrastructure.telemetry.tracing import create_provider


@cache
def kept() -> InMemorySpanExporter:
    """What is recorded from now on. A process can be told only once where its spans go."""
    exporter = InMemorySpanExporter()
    provider = create_provider(TracingSettings(), {})
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture(autouse=True)
def spans() -> Iterator[InMemorySpanExporter]:
    """What a test records; every test does, as every service does."""
    kept().clear()
    yield kept()
    kept().clear()
