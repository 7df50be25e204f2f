"""Spans without an SDK: nothing is recorded, and a caller's trace is still logged."""

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from chassis.telemetry.spans import exemplar, statement_span, trace_ids

CALLER = NonRecordingSpan(SpanContext(0xA, 0xB, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)))


def test_outside_of_a_trace_there_is_nothing_to_link_to() -> None:
    assert exemplar() is None
    assert trace_ids(None, "info", {"event": "e"}) == {"event": "e"}


def test_logs_and_metrics_link_to_the_current_trace() -> None:
    with use_span(CALLER):
        assert exemplar() == {"trace_id": f"{0xA:032x}"}
        assert trace_ids(None, "info", {}) == {"trace_id": f"{0xA:032x}", "span_id": f"{0xB:016x}"}


def test_a_statement_of_a_trace_that_is_not_recorded_has_no_span() -> None:
    with use_span(CALLER), statement_span("a-database", "SELECT 1"):
        assert trace.get_current_span() is CALLER
