"""Spans of SQL statements."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chassis.telemetry.spans import statement_span


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("INSERT INTO stock (a) VALUES ($1)", "INSERT stock"),
        ("\nSELECT a FROM stock WHERE b = $1", "SELECT stock"),
        ("INSERT INTO `stock` (a) VALUES (?)", "INSERT stock"),
        ("UPDATE stock SET a = $1", "UPDATE stock"),
        ("WITH kept AS (INSERT INTO stock VALUES ($1)) SELECT pg_notify('a', '')", "INSERT stock"),
        ("COMMIT;", "COMMIT"),
        ("BEGIN IMMEDIATE", "BEGIN"),
        ("", "UNKNOWN"),
    ],
)
def test_a_statement_is_named_after_its_operation(spans: InMemorySpanExporter, statement: str, name: str) -> None:
    with trace.get_tracer("test").start_as_current_span("parent"), statement_span("a-database", statement):
        pass
    span = spans.get_finished_spans()[0]
    assert (span.name, (span.attributes or {})["db.system.name"]) == (name, "a-database")


def test_a_statement_outside_of_a_trace_is_not_recorded(spans: InMemorySpanExporter) -> None:
    with statement_span("a-database", "SELECT 1"):
        pass
    assert spans.get_finished_spans() == ()


def test_a_failed_statement_is_an_error_without_its_message(spans: InMemorySpanExporter) -> None:
    with (
        pytest.raises(ValueError, match="hidden"),
        trace.get_tracer("test").start_as_current_span("parent", record_exception=False, set_status_on_exception=False),
        statement_span("a-database", "SELECT 1"),
    ):
        raise ValueError("hidden")
    failed = spans.get_finished_spans()[0]
    assert not failed.status.is_ok
    assert (failed.attributes or {})["error.type"] == "builtins.ValueError"
    assert "hidden" not in failed.to_json()
